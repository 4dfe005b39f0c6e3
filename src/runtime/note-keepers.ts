import type { NoteKeepers } from '../flow/owned-notes.ts';
import { keepsNotes, type NoteGroup, type NoteKeeper } from '../policies/partition-notes.ts';
import { formatPartition, type TopicPartition } from '../record/record.ts';
import type { Transport } from '../transport/transport.ts';
import type { Line } from './assemble.ts';

/** The policies among the opened resources of a pipeline that keep notes of its partitions, by their names there. */
export function noteKeepersOf(resources: Readonly<Record<string, unknown>>): NoteKeepers {
  const keepers = new Map<string, NoteKeeper>();
  for (const [name, value] of Object.entries(resources)) {
    if (typeof value !== 'object' || value === null || !(keepsNotes in value)) continue;
    const keeper = value[keepsNotes] as NoteKeeper;
    if (![...keepers.values()].includes(keeper)) keepers.set(name, keeper);
  }
  return keepers;
}

/**
 * Tells them for which partitions. The result ends it.
 * @throws OptionError of a policy that cannot work for these
 */
export async function attachNoteKeepers(
  keepers: NoteKeepers,
  {
    transport,
    inputs,
    ...group
  }: Omit<NoteGroup, 'partitions'> & { readonly transport: Pick<Transport, 'describeTopics'>; readonly inputs: readonly string[] },
): Promise<() => void> {
  if (keepers.size === 0) return () => undefined;
  const partitions = await partitionsOf(transport, inputs);
  const ends: (() => void)[] = [];
  const endAll = (): void => {
    for (const end of ends) end();
  };
  try {
    for (const keeper of keepers.values()) ends.push(keeper.attach({ ...group, partitions }));
  } catch (error) {
    endAll();
    throw error;
  }
  return endAll;
}

/** In the same order in every instance. */
async function partitionsOf(transport: Pick<Transport, 'describeTopics'>, inputs: readonly string[]): Promise<readonly TopicPartition[]> {
  const topics = await transport.describeTopics(inputs);
  const all = [...topics].flatMap(([topic, { partitions }]) => partitions.map(({ partition }) => ({ topic, partition })));
  return all.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : formatPartition(a) < formatPartition(b) ? -1 : 1));
}

/** Commits of partitions whose notes are behind are due. */
export function commitNotes(line: Pick<Line, 'source' | 'delivery'> | undefined): void {
  for (const partition of line?.source.partitions ?? []) if (partition.notes.isBehind) line?.delivery.moved(partition);
}
