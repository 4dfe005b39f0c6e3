import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type App,
  bytes,
  call,
  type Clock,
  definePipeline,
  DocumentError,
  documentsIn,
  type DocumentSource,
  type Log,
  silentLog,
  start,
  systemClock,
  topic,
  TransportError,
  type Transport,
} from 'millrace';
import { mapConcurrent } from 'millrace/operators';

export interface TopicDocumentsOptions {
  readonly transport: Transport;
  readonly topic: string;
  /** @defaultValue the system clock */
  readonly clock?: Clock | undefined;
  /** @defaultValue none */
  readonly log?: Log | undefined;
  /** Ends it. @defaultValue none */
  readonly signal?: AbortSignal | undefined;
}

interface Offered {
  readonly partition: number;
  readonly offset: bigint;
  readonly source: DocumentSource;
  readonly taken: () => void;
}

/** Records that wait to be taken; the source stops behind them. */
const mostOffered = 16;
const lookEveryMs = 500;
/** What lies before the end may be no records: markers of transactions, and what was compacted. */
const quietMs = 5_000;
const deadlineMs = 7 * 24 * 3_600_000;

/**
 * The records of a topic as documents, from its beginning to where it ends now: what is written later is for the next run, which calls nothing for what this one has done. A value that is a JSON object
 * is a row, with fields; any other is a document of its own. In the order of each partition; holds `mostOffered` records, and what the pipeline has fetched. Commits under a group of its own, which nobody else uses.
 * @throws TransportError `unknown_topic`, or what ends reading.
 */
export async function* topicDocuments(options: TopicDocumentsOptions): AsyncGenerator<DocumentSource, undefined> {
  const { transport, topic: name, clock = systemClock } = options;
  const ends = await endsOf(transport, name);
  if (ends.size === 0) return undefined;
  const offered: Offered[] = [];
  let wake = Promise.withResolvers<undefined>();
  const app = await startReading(options, (one) => {
    offered.push(one);
    wake.resolve(undefined);
  });
  const state = { isOver: false, movedMs: clock.nowMs() };
  const over = app.done.finally(() => (state.isOver = true));
  over.catch(() => undefined);
  try {
    while (ends.size > 0) {
      const next = offered.shift();
      if (next) {
        const end = ends.get(next.partition) ?? 0n;
        if (next.offset + 1n >= end) ends.delete(next.partition);
        if (next.offset < end) yield next.source;
        next.taken();
        state.movedMs = clock.nowMs();
        continue;
      }
      if (state.isOver) await over;
      if (options.signal?.aborted || state.isOver || (clock.nowMs() - state.movedMs >= quietMs && isRead(app))) return undefined;
      await Promise.race([wake.promise, new Promise((resolve) => clock.schedule(lookEveryMs, () => resolve(undefined)))]);
      wake = Promise.withResolvers();
    }
    return undefined;
  } finally {
    await app.drain({ deadlineMs: 0 });
  }
}

const isRead = (app: App): boolean => {
  const { lag, recordsInFlight, partitions, reconnecting } = app.stats();
  return partitions > 0 && lag === 0n && recordsInFlight === 0 && !reconnecting;
};

/** Of the partitions that hold anything, where they end. */
async function endsOf(transport: Transport, name: string): Promise<Map<number, bigint>> {
  const found = (await transport.describeTopics([name])).get(name);
  if (!found) throw new TransportError('unknown_topic', `topic ${name} does not exist: look at its name, and at --brokers`);
  return new Map(found.partitions.flatMap(({ partition, low, high }) => (high > low ? [[partition, high] as const] : [])));
}

function startReading(
  { transport, topic: name, clock, log = silentLog, signal }: TopicDocumentsOptions,
  offer: (one: Offered) => void,
): Promise<App> {
  const pipeline = definePipeline({
    name: `documents.of.${name}`,
    groupId: `millrace-documents-${randomUUID()}`,
    input: topic(name, bytes()),
    deadLetter: 'stop',
    ordering: 'partition',
    deadlineMs,
    retry: 'none',
    process: (records) =>
      records.pipe(
        mapConcurrent(
          (value, { position }) =>
            call(
              () =>
                new Promise<boolean>((resolve) => {
                  const { partition = 0, offset = 0n } = position ?? {};
                  const id = `${name}/${String(partition)}@${String(offset)}`;
                  const copy = value === null ? null : Uint8Array.from(value); // it is kept longer than its fetch
                  const source = { id, name: id, read: () => contentOf(id, copy) };
                  offer({ partition, offset, source, taken: () => resolve(true) });
                }),
            ),
          { concurrency: mostOffered },
        ),
      ),
  });
  return start(pipeline, { transport, log, signals: false, ...(clock && { clock }), ...(signal && { signal }) });
}

async function contentOf(id: string, value: Uint8Array | null): ReturnType<DocumentSource['read']> {
  if (value === null) throw new DocumentError(`${id} has no value (a tombstone)`);
  const row = objectIn(value);
  if (row === undefined) return { bytes: value };
  for await (const source of documentsIn(Readable.from([Buffer.from(JSON.stringify(row))]), { format: 'jsonl', name: id }))
    return source.read();
  throw new DocumentError(`${id} has no text`);
}

function objectIn(value: Uint8Array): object | undefined {
  try {
    const found: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? found : undefined;
  } catch {
    return undefined; // text that is no JSON
  }
}
