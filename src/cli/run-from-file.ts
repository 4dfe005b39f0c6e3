import { sleep } from '../clock.ts';
import { OptionError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import { formatPartition } from '../record/record.ts';
import { connect } from '../runtime/connect.ts';
import { type App, start } from '../runtime/start.ts';
import { type MemoryTransport, memory } from '../transport/memory/memory.ts';
import type { CliContext } from './context.ts';
import { feedInput } from './feed-input.ts';
import { httpBeside } from './http-beside.ts';
import { lineBatches, openInput } from './line-batches.ts';
import { liveLine, settledOf } from './live-line.ts';
import { type ResultWriter, resultWriter } from './result-writer.ts';
import type { RunOptions } from './run-options.ts';
import { startOptionsOf } from './run-settings.ts';
import { summary } from './run-summary.ts';
import { readTopics } from '../runtime/topic-reader.ts';

const failedRecords = 3;
const pollMs = 10;

/** Feeds a pipeline on an embedded broker from a file or stdin, writes what comes out, and ends when all of it is settled. */
export async function runFromFile(pipeline: Pipeline, input: string, options: RunOptions, context: CliContext): Promise<number> {
  const { output = '-' } = options;
  const { out, log, clock, signal } = context;
  const [first, ...others] = Object.values(pipeline.inputs);
  if (first === undefined || others.length > 0) {
    throw new OptionError(`${pipeline.name} reads several topics, and --input feeds one: run it on Kafka, or from code on memory()`);
  }
  const writer = resultWriter(output, context);
  const transport = memory({ clock });
  const client = connect(transport, { clock });
  const startedMs = clock.nowMs();
  const beside = await httpBeside(pipeline, options, context);
  const app = await start(pipeline, {
    transport,
    onTroubles: beside.troubles,
    createTopics: true,
    log,
    clock,
    ...{ signals: false, signal },
    ...startOptionsOf(context.settings.run),
  }).catch(async (error: unknown) => {
    await beside.close();
    throw error;
  });
  beside.tellOf(app);
  const endLive = liveLine(app, out, clock);
  const stopReading = new AbortController();
  const results = readResults(pipeline, transport, writer, stopReading.signal);
  try {
    const watermark = (): bigint => transport.broker.committed(pipeline.groupId, first.name, 0)?.offset ?? 0n;
    const enough = AbortSignal.any([signal, endOf(app), results.failed]);
    const fed = await feedInput(lineBatches(openInput(input, enough)), {
      client,
      topic: first.name,
      watermark,
      clock,
      signal: enough,
    }).catch(unlessAborted(enough, 0));
    while (!enough.aborted && settledOf(app.stats()) < fed) await sleep(clock, pollMs, enough).catch(unlessAborted(enough, undefined));
    const isDone = !enough.aborted;
    await app.drain();
    await app.done;
    await results.caughtUp();
    endLive();
    const stats = app.stats();
    summary(pipeline.name, stats, clock.nowMs() - startedMs, out);
    if (!isDone) return context.interrupt.exitCode ?? 1;
    return stats.failed > 0 ? failedRecords : 0;
  } finally {
    endLive();
    stopReading.abort();
    await client.close();
    await beside.close();
    await results.ended;
    writer.close();
  }
}

/** Aborted when a pipeline has ended by itself; `done` says why. */
function endOf(app: App): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
  };
  app.done.then(abort, abort);
  return controller.signal;
}

const unlessAborted =
  <T>(signal: AbortSignal, value: T) =>
  (error: unknown): T => {
    if (signal.aborted) return value;
    throw error;
  };

interface Results {
  /** Aborted when results cannot be written or read; `caughtUp` says why. */
  readonly failed: AbortSignal;
  /** Resolves when everything that was written to the outputs has been passed on. */
  caughtUp(): Promise<void>;
  readonly ended: Promise<void>;
}

function readResults({ outputs, deadLetter }: Pipeline, transport: MemoryTransport, writer: ResultWriter, signal: AbortSignal): Results {
  const dead = deadLetter === 'stop' ? undefined : deadLetter.name;
  const topics = [...new Set([...Object.values(outputs).map(({ name }) => name), ...(dead === undefined ? [] : [dead])])];
  const failed = new AbortController();
  const seen = new Map<string, bigint>();
  let wake = (): void => undefined;
  const reading =
    topics.length === 0
      ? Promise.resolve()
      : readTopics(transport, {
          topics,
          from: 'earliest',
          signal,
          take: async (records) => {
            for (const record of records) {
              if (record.topic === dead) writer.deadLetter(record);
              else await writer.result(record);
              seen.set(formatPartition(record), record.offset);
            }
            wake();
            return false;
          },
        });
  reading.catch(() => {
    failed.abort();
  });
  const behind = async (): Promise<boolean> => {
    for (const [topic, { partitions }] of await transport.describeTopics(topics)) {
      for (const { partition } of partitions) {
        // not `high`: the end of a transaction takes an offset, too, and nobody ever reads it
        const last = transport.broker.lastOffset(topic, partition);
        if (last !== undefined && last > (seen.get(formatPartition({ topic, partition })) ?? -1n)) return true;
      }
    }
    return false;
  };
  return {
    failed: failed.signal,
    caughtUp: async () => {
      while (await behind()) {
        const woken: PromiseWithResolvers<void> = Promise.withResolvers();
        wake = woken.resolve;
        await Promise.race([woken.promise, reading]);
      }
    },
    ended: reading.catch(() => undefined),
  };
}
