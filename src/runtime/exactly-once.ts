import { deadLetterOf } from '../flow/dead-letters.ts';
import { outputTo } from '../flow/sink.ts';
import type { Source } from '../flow/source.ts';
import { Transactions } from '../flow/transactions.ts';
import type { Delivery } from './delivery.ts';
import { endsPipeline, type LineParts } from './line-parts.ts';

/**
 * Outputs wait until the pipeline is through with their record, and are written in one transaction with its dead letter and its
 * offset; a record is settled when that is committed.
 */
export function exactlyOnce(parts: LineParts, source: Source): Delivery {
  const { pipeline, options, sink, stats, fail } = parts;
  const { name, groupId, deadLetter } = pipeline;
  const letters = { pipeline: name, nowMs: () => options.clock.nowMs() };
  const transactions = new Transactions({
    ...options,
    groupId,
    clientId: name,
    sink,
    fail,
    box:
      deadLetter === 'stop'
        ? undefined
        : {
            letterOf: (taken, verdict) => ({ topic: deadLetter.name, letter: deadLetterOf(letters, taken, verdict) }),
            place: (topic, key) => sink.place(topic, key),
          },
    isFinal: (error) => endsPipeline(pipeline, error),
    refused: ({ takens }, error) => {
      source.abandonAll(takens, 'stopped');
      fail(error);
    },
    through: (taken) => source.through(taken),
    ended: (how) => (stats.transactions[how] += 1),
    trouble: (where, why) => stats.trouble(where, why),
  });
  transactions.onRoom(() => source.pump());
  return {
    get bytes() {
      return transactions.bytes + sink.bytes;
    },
    output: outputTo(pipeline, transactions.take),
    begin: (taken, settlement) => transactions.begin(taken, settlement),
    handed: (_, settlement) => transactions.handed(settlement),
    givenBack: (settlement) => transactions.givenBack(settlement),
    settled: (taken) => void source.settle(taken),
    skipped: (partition) => transactions.skipped(partition),
    beforeStart: (partitions, wanted) => transactions.fence(partitions, () => wanted() && !source.stopped),
    attach: (consumer) => transactions.attach(consumer),
    hurry: (partitions) => transactions.hurry(partitions),
    flush: (partitions, giveUp) => transactions.flush(partitions, giveUp),
    release: (partitions) => transactions.release(partitions),
    lose: (partitions) => transactions.lose(partitions),
    stop: () => transactions.stop(),
  };
}
