import type { Clock } from '../clock.ts';
import { TransportError } from '../errors.ts';
import { type Extent, ReadingEnd } from '../flow/reading-end.state.ts';
import type { Transport } from '../transport/transport.ts';
import { type ReadRecord, readTopics } from '../runtime/topic-reader.ts';

/** Longer than a healthy broker takes for a fetch; waited for only where the last offsets are not records. */
const quietMs = 5_000;
const lookEveryMs = 100;

/** What there is of a topic now. @throws TransportError `unknown_topic` */
export async function extentsOf(transport: Transport, topic: string): Promise<readonly Extent[]> {
  const found = (await transport.describeTopics([topic])).get(topic);
  if (found === undefined)
    throw new TransportError('unknown_topic', `topic ${topic} does not exist; a pipeline names its own as deadLetter`);
  return found.partitions;
}

export const readingEnd = (extents: readonly Extent[], clock: Clock): ReadingEnd => new ReadingEnd(extents, quietMs, clock.nowMs());

export interface ReadToEndOptions {
  readonly transport: Transport;
  readonly topic: string;
  readonly extents: readonly Extent[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onTrouble: (why: string) => void;
  /** Takes one record; true: enough. */
  readonly take: (record: ReadRecord) => boolean | Promise<boolean>;
}

/**
 * Reads a topic from its beginning to where it ended at the start. Resolves with the offsets that were not read, of which
 * records are as many or fewer; more than 0 when it had enough, or was aborted.
 */
export async function readToEnd({ transport, topic, extents, clock, signal, onTrouble, take }: ReadToEndOptions): Promise<bigint> {
  const end = readingEnd(extents, clock);
  const stop = new AbortController();
  let isTaking = false;
  let cancel = (): void => undefined;
  const look = (): void => {
    if (isTaking) end.woke(clock.nowMs()); // a slow taker is no end
    if (end.isOver(clock.nowMs())) stop.abort();
    else cancel = clock.schedule(lookEveryMs, look);
  };
  const takeAll = async (records: readonly ReadRecord[]): Promise<boolean> => {
    isTaking = true;
    for (const record of records) {
      if (signal.aborted) return true;
      if (end.includes(record.partition, record.offset) && (await take(record))) return true;
      end.reached(record.partition, record.offset + 1n, clock.nowMs());
    }
    isTaking = false;
    return end.unread() === 0n;
  };
  if (end.unread() === 0n) return 0n;
  try {
    await readTopics(transport, {
      topics: [topic],
      from: 'earliest',
      signal: AbortSignal.any([signal, stop.signal]),
      onReady: () => {
        end.woke(clock.nowMs());
        look();
      },
      onTrouble: (why) => {
        end.woke(clock.nowMs());
        onTrouble(why);
      },
      take: takeAll,
    });
  } finally {
    cancel();
  }
  return stop.signal.aborted ? 0n : end.unread();
}
