import { Subscription } from 'rxjs';
import { type Client, type Clock, type ConsumedRecord, type Transport, topic, type Topic } from 'millrace';
import type { RatedSentence } from './data.ts';
import type { Review } from './schema.ts';

/** A record that no schema lets through; its key marks it for the demo alone. */
export const malformed = { key: 'malformed', value: new TextEncoder().encode('{"id": "malformed", "text": ') } as const;

export interface FeedOptions {
  readonly client: Client;
  readonly transport: Transport;
  readonly input: Topic<Review>;
  readonly sentences: readonly RatedSentence[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Fed {
  /** Records that were there already, of an earlier run. */
  readonly present: number;
  readonly produced: number;
}

/** Where among the sentences the malformed record goes: early enough to be seen, not the very first thing. */
const malformedAfter = 3;

/**
 * Writes what is missing in the input topic. It reads the topic first, so a run that was killed, while producing or
 * later, is continued and not repeated; what was written in the meantime by somebody else would be there twice, which
 * costs a call and loses nothing.
 */
export async function feed({ client, transport, input, sentences, clock, signal }: FeedOptions): Promise<Fed> {
  const raw = topic(input.name);
  const there = new Set<string>();
  let hasMalformed = false;
  for (const record of await recordsThere({ client, transport, name: input.name, clock, signal })) {
    if (record.key === malformed.key) hasMalformed = true;
    else there.add(idIn(record.value) ?? '');
  }
  const missing = sentences.filter(({ id }) => !there.has(id));
  const records = missing.map(({ id, review, text }) => ({ key: review, value: input.value.encode({ id, text }) }));
  if (!hasMalformed) records.splice(malformedAfter, 0, malformed);
  await client.produce(raw, records, { signal });
  return { present: sentences.length - missing.length + (hasMalformed ? 1 : 0), produced: records.length };
}

/** The `id` of a JSON record; undefined where there is none. */
export function idIn(value: Uint8Array | null): string | undefined {
  if (value === null) return undefined;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(value));
    return typeof parsed === 'object' && parsed !== null && 'id' in parsed && typeof parsed.id === 'string' ? parsed.id : undefined;
  } catch {
    return undefined;
  }
}

interface Reading extends Pick<FeedOptions, 'client' | 'transport' | 'clock' | 'signal'> {
  readonly name: string;
}

/** Offsets can have gaps, so the last one may never come: then this long a silence is the end, in ms. */
const silenceMs = 10_000;

/** What a topic held when it was asked. */
async function recordsThere({ client, transport, name, clock, signal }: Reading): Promise<readonly ConsumedRecord<Uint8Array | null>[]> {
  const ends = await endsOf(transport, name);
  if (ends.size === 0) return [];
  const records: ConsumedRecord<Uint8Array | null>[] = [];
  await new Promise<void>((resolve, reject) => {
    const subscription = new Subscription();
    const finish = (error?: unknown): void => {
      stopWaiting();
      signal.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('reading the topic failed', { cause: error }));
    };
    const onAbort = (): void => {
      finish(signal.reason);
    };
    let stopWaiting = clock.schedule(silenceMs, finish);
    signal.addEventListener('abort', onAbort, { once: true });
    const reading = client.consume(topic(name)).subscribe({
      next: (record) => {
        const { partition, offset } = record.position;
        records.push(record);
        if (offset + 1n >= (ends.get(partition) ?? 0n)) ends.delete(partition);
        stopWaiting();
        stopWaiting = clock.schedule(silenceMs, finish);
        if (ends.size === 0) finish();
      },
      error: finish,
    });
    subscription.add(reading);
    if (signal.aborted) onAbort();
  });
  return records;
}

/** The next offset of every partition that holds anything. */
export async function endsOf(transport: Transport, name: string): Promise<Map<number, bigint>> {
  const described = (await transport.describeTopics([name])).get(name);
  const filled = (described?.partitions ?? []).filter(({ low, high }) => low < high);
  return new Map(filled.map(({ partition, high }) => [partition, high]));
}
