import { randomUUID } from 'node:crypto';
import { TransportError } from '../errors.ts';
import type { SourceRecord } from '../record/record.ts';
import type { Consumer, Fetch, OwnedPartition, Transport } from '../transport/transport.ts';

export interface ReadRecord extends SourceRecord {
  readonly topic: string;
  readonly partition: number;
}

export interface ReadOptions {
  readonly topics: readonly string[];
  readonly from: 'earliest' | 'latest';
  readonly signal: AbortSignal;
  /** Called once, when records can arrive. */
  readonly onReady?: () => void;
  /** Trouble that passes by itself. */
  readonly onTrouble?: (why: string) => void;
  /** Takes the records of one fetch; nothing more is asked for until it has resolved. True: enough. */
  readonly take: (records: readonly ReadRecord[]) => Promise<boolean>;
}

/**
 * Reads topics as raw records, in a group of its own that commits nothing, until `take` has enough or the signal aborts.
 * Holds what was fetched before the pause reaches the source: one fetch per partition.
 * @throws TransportError `unknown_topic`, or what ended the consumer
 */
export async function readTopics(transport: Transport, { topics, from, signal, onReady, onTrouble, take }: ReadOptions): Promise<void> {
  const found = await transport.describeTopics(topics);
  const missing = topics.filter((name) => !found.has(name));
  if (missing.length > 0)
    throw new TransportError(
      'unknown_topic',
      `topic ${missing.join(', ')} does not exist; check its name, or produce to it with --create-topics`,
    );
  const waiting: Fetch[] = [];
  let owned: OwnedPartition[] = [];
  let consumer: Consumer | undefined;
  let busy = false;
  let finish: (error?: Error) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    finish = (error) => {
      if (error) reject(error);
      else resolve();
    };
  });
  finished.catch(() => undefined);
  const work = async (): Promise<void> => {
    busy = true;
    consumer?.pause(owned);
    for (let fetch = waiting.shift(); fetch && !signal.aborted; fetch = waiting.shift()) {
      const { topic, partition } = fetch;
      if (await take(fetch.records.map((record) => ({ ...record, topic, partition })))) {
        finish();
        return; // stays busy: nothing more is taken
      }
    }
    busy = false;
    consumer?.resume(owned);
  };
  const same =
    (one: OwnedPartition) =>
    (other: OwnedPartition): boolean =>
      one.topic === other.topic && one.partition === other.partition;
  const forget = (gone: readonly OwnedPartition[]): void => {
    owned = owned.filter((one) => !gone.some(same(one)));
  };
  const onAbort = (): void => {
    finish();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) return;
  try {
    consumer = await transport.consume(
      { groupId: `millrace-cli-${randomUUID()}`, topics, from },
      {
        assigned: (partitions) => {
          owned = [...owned, ...partitions];
        },
        revoking: (partitions) => {
          forget(partitions);
          return Promise.resolve();
        },
        lost: forget,
        health: (state) => {
          if (state.state !== 'ok') onTrouble?.(state.why);
        },
        fetched: (fetch) => {
          waiting.push(fetch);
          if (!busy)
            work().catch((error: unknown) => {
              finish(error instanceof Error ? error : new Error(String(error)));
            });
        },
        failed: finish,
      },
    );
    onReady?.();
    await finished;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await consumer?.close();
  }
}
