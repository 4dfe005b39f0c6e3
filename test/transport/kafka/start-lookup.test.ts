import { expect, it } from 'vitest';
import type { StartFacts } from '../../../src/transport/kafka/start-offset.ts';
import { findStarts, type StartLookup } from '../../../src/transport/kafka/start-lookup.ts';
import type { OffsetCommit } from '../../../src/transport/transport.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

type Facts = StartFacts & { readonly metadata: string };

const log = { low: 2n, high: 9n, stable: 8n };
const fresh: Facts = { ...log, committed: -1n, metadata: '' };
const known: Facts = { ...log, committed: 5n, metadata: 'a map' };

/** Finds the starts of partitions of a topic that had two when the consumer began. */
async function starts(facts: readonly Facts[], from: 'earliest' | 'latest', { early = false, outages = 0 } = {}) {
  const clock = virtualClock();
  const commits: (readonly OffsetCommit[])[] = [];
  let left = outages;
  const lookup = {
    connection: {
      starts: () => {
        left -= 1;
        if (left >= 0) return Promise.reject(new Error('nobody is there'));
        return Promise.resolve(new Map(facts.map((one, partition) => [`t/${String(partition)}`, one])));
      },
    },
    committer: {
      commit: (offsets: readonly OffsetCommit[]) => {
        commits.push(offsets);
        return Promise.resolve({ fenced: [] });
      },
    },
    ...{ clock, consume: { from, fromEarliest: early ? ['t'] : [] }, atFirst: new Map([['t', 2]]) },
    ...{ closing: new AbortController().signal, log: undefined },
  } as unknown as StartLookup;
  const partitions = facts.map((_, partition) => ({ topic: 't', partition, epoch: 7 }));
  const finding = findStarts(lookup, partitions, () => true);
  await clock.advance(5_000);
  const found = await finding;
  return {
    starts: found.map(({ start, committed, reset }) => [start, committed?.metadata, reset]),
    stored: commits.flat().map(({ partition, epoch, offset, metadata }) => [partition, epoch, offset, metadata]),
  };
}

it.each([
  ['with no commit starts at the end, and commits it', [fresh], 'latest', {}, [[8n, undefined, 'none-committed']], [[0, 7, 8n, '']]],
  ['for which a commit exists starts there, and leaves it alone', [known], 'latest', {}, [[5n, 'a map', undefined]], []],
  [
    'that was added since starts at its first record, and commits that',
    [known, fresh, fresh],
    'latest',
    {},
    [
      [5n, 'a map', undefined],
      [8n, undefined, 'none-committed'],
      [2n, undefined, 'none-committed'],
    ],
    [
      [1, 7, 8n, ''],
      [2, 7, 2n, ''],
    ],
  ],
  [
    'that was added since, for which a commit exists, starts there',
    [known, known, known],
    'latest',
    {},
    [
      [5n, 'a map', undefined],
      [5n, 'a map', undefined],
      [5n, 'a map', undefined],
    ],
    [],
  ],
  ['of a topic that is read from its beginning starts there', [fresh], 'latest', { early: true }, [[2n, undefined, 'none-committed']], []],
  ['from earliest starts at its first record, and commits nothing', [fresh], 'earliest', {}, [[2n, undefined, 'none-committed']], []],
  ['is asked for until the broker answers', [fresh], 'latest', { outages: 3 }, [[8n, undefined, 'none-committed']], [[0, 7, 8n, '']]],
] as const)('a partition %s', async (_, facts, from, options, expected, stored) => {
  expect(await starts(facts, from, options)).toEqual({ starts: expected, stored });
});
