import { isStreamError, PipelineError } from '../errors.ts';
import type { Verdict } from '../record/outcome.ts';
import type { Root } from '../record/part.ts';
import { formatPartition, formatPosition, type OutputPosition, type OutputRecord } from '../record/record.ts';
import type { Transaction } from '../transport/transport.ts';
import type { Bundle } from './bundle.ts';
import { type Departure, othersAfter } from './departures.ts';
import type { Failure } from './failure-story.ts';
import { positionOf, type Taken } from './owned.ts';
import { sendBatches } from './send-batches.ts';

export interface LetterBox {
  /** How a failed record leaves, the best way first. */
  readonly departuresOf: (taken: Taken, failure: Failure) => readonly Departure[];
  readonly place: (topic: string, key: Uint8Array | null) => number;
}

/** One record to be sent within a transaction. */
export interface Sending {
  readonly topic: string;
  readonly partition: number;
  readonly record: OutputRecord;
  readonly sent: (at: OutputPosition) => void;
  /** The log will never take it. */
  readonly refused: (error: Error) => void;
}

/**
 * Writes what bundles hold into a transaction: first their outputs, then the dead letters of those of their records that have
 * failed, which name the places of the outputs. An output that is refused fails its records for good. Returns how each
 * record ends once the transaction is committed. Without a box for letters nobody may have failed.
 */
export async function writeBundles(
  transaction: Transaction,
  bundles: readonly Bundle[],
  box: LetterBox | undefined,
): Promise<ReadonlyMap<Taken, Verdict>> {
  const places = new Map<Root, OutputPosition[]>();
  await sendAll(transaction, outputsOf(bundles, places));
  const verdicts = new Map<Taken, Verdict>();
  const failed: (readonly [Taken, Failure])[] = [];
  for (const taken of bundles.flatMap(({ takens }) => takens)) {
    const { settlement } = taken;
    if (!settlement) continue; // of no present run: cannot be complete
    const verdict = settlement.verdict(places.get(settlement));
    verdicts.set(taken, verdict);
    if (verdict.outcome === 'failed') failed.push([taken, verdict]);
  }
  if (box) await sendLetters(transaction, failed, box);
  return verdicts;
}

const outputsOf = (bundles: readonly Bundle[], places: Map<Root, OutputPosition[]>): readonly Sending[] =>
  bundles.flatMap(({ outputs }) =>
    outputs
      .filter(({ part }) => part.live)
      .map(({ topic, partition, record, part, roots }) => ({
        topic,
        partition,
        record,
        sent: (at) => {
          for (const root of roots) {
            const known = places.get(root);
            if (known) known.push(at);
            else places.set(root, [at]);
          }
        },
        refused: (error) => part.settle('failed', error),
      })),
  );

/** Each failed record the first way that is not refused. */
async function sendLetters(transaction: Transaction, failed: readonly (readonly [Taken, Failure])[], box: LetterBox): Promise<void> {
  let waiting = failed.map(([taken, failure]) => ({ taken, ways: box.departuresOf(taken, failure) }));
  while (waiting.length > 0) {
    const again: typeof waiting = [];
    const sendings = waiting.flatMap(({ taken, ways: [way, ...others] }): Sending[] => {
      if (!way) return []; // there are no dead letters: its failure ends the pipeline
      const { topic, record } = way;
      return [
        {
          topic,
          partition: box.place(topic, record.key),
          record,
          sent: () => (taken.departed = way.to),
          refused: (error) => {
            const left = othersAfter(way, error, others);
            if (left.length === 0) throw noWay(taken, error);
            again.push({ taken, ways: left });
          },
        },
      ];
    });
    await sendAll(transaction, sendings);
    waiting = again;
  }
}

const noWay = (taken: Taken, error: Error): PipelineError =>
  new PipelineError(
    'record_too_large',
    `nothing can be written of record ${formatPosition(positionOf(taken))}, which failed: ${error.message}`,
    {
      cause: error,
    },
  );

/** Sends to all partitions at once, to each in order, one send at a time. Rejects when no send is under way any more. */
export async function sendAll(transaction: Transaction, all: readonly Sending[]): Promise<void> {
  const groups = Map.groupBy(all, formatPartition);
  const results = await Promise.allSettled(
    [...groups.values()].map(async (group) => {
      for (const batch of sendBatches(group)) await sendCut(transaction, batch);
    }),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** A send that is refused is cut in two until the record at fault stands alone; the transaction goes on without that one. */
async function sendCut(transaction: Transaction, batch: readonly Sending[]): Promise<void> {
  const [first] = batch;
  if (!first) return;
  const { topic, partition } = first;
  let base: bigint;
  try {
    base = await transaction.send(
      topic,
      partition,
      batch.map(({ record }) => record),
    );
  } catch (error) {
    if (!isStreamError(error) || error.grade !== 'record') throw error;
    if (batch.length === 1) {
      first.refused(error);
      return;
    }
    const middle = batch.length >> 1;
    await sendCut(transaction, batch.slice(0, middle));
    await sendCut(transaction, batch.slice(middle));
    return;
  }
  for (const [i, { sent }] of batch.entries()) sent({ topic, partition, offset: base + BigInt(i) });
}
