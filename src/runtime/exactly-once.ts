import { outputTo } from '../flow/sink.ts';
import type { Source } from '../flow/source.ts';
import { Transactions } from '../flow/transactions.ts';
import type { Delivery } from './delivery.ts';
import { departures, endsPipeline, tellOfFailure } from './end-failed.ts';
import type { LineParts } from './line-parts.ts';

/**
 * Outputs wait until the pipeline is through with their record, and are written in one transaction with its dead letter and its
 * offset; a record is settled when that is committed.
 */
export function exactlyOnce(parts: LineParts, source: Source): Delivery {
  const { pipeline, options, sink, stats, fail } = parts;
  const { name, groupId, deadLetter, retryTopics } = pipeline;
  const transactions = new Transactions({
    ...options,
    groupId,
    clientId: name,
    sink,
    fail,
    box:
      deadLetter === 'stop' && retryTopics.length === 0
        ? undefined
        : {
            departuresOf: (taken, failure) => departures(parts, taken, failure),
            place: (topic, key) => sink.place(topic, key),
          },
    isFinal: (taken, failure) => endsPipeline(parts, taken, failure),
    refused: ({ takens }, error) => {
      source.abandonAll(takens, 'stopped');
      fail(error);
    },
    through: (taken) => source.through(taken),
    ended: (how) => {
      stats.transactions[how] += 1;
      if (how === 'committed') stats.commits += 1;
    },
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
    settled: (taken, verdict) => {
      if (verdict.outcome === 'failed') tellOfFailure(parts, taken, verdict);
      source.settle(taken);
    },
    moved: (partition) => transactions.moved(partition),
    beforeStart: (partitions, wanted) => transactions.fence(partitions, () => wanted() && !source.stopped),
    attach: (consumer) => transactions.attach(consumer),
    hurry: (partitions) => transactions.hurry(partitions),
    flush: (partitions, giveUp) => transactions.flush(partitions, giveUp),
    release: (partitions) => transactions.release(partitions),
    lose: (partitions) => transactions.lose(partitions),
    stop: () => transactions.stop(),
  };
}
