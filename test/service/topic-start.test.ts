import { expect, it } from 'vitest';
import { placeText, topicStart } from '../../src/service/topic-start.ts';

const described = { partitions: [0, 1].map((partition) => ({ partition, low: 5n, high: 10n })) };
const at = (partition: number, offset: bigint) => ({ topic: 't', partition, offset });

it.each([
  ['latest', '', { from: 'latest', starts: [] }],
  ['earliest', '', { from: 'earliest', starts: [] }],
  ['1:7', '', { from: 'latest', starts: [at(1, 7n)] }],
  ['0:10,1:0', '', { from: 'latest', starts: [at(0, 10n), at(1, 0n)] }],
  ['earliest', '0:7,1:10', { from: 'earliest', starts: [at(0, 7n), at(1, 10n)] }],
])('reads from %s, behind the event "%s"', (from, last, start) => {
  expect(topicStart('t', described, from, last)).toEqual(start);
});

it.each([
  ['now', '', 'from must be latest, earliest, or PARTITION:OFFSET'],
  ['0:11', '', 'from: t has no offset 11 of partition 0'],
  ['2:0', '', 'from: t has no offset 0 of partition 2'],
  ['latest', '0', 'Last-Event-ID must be'],
  ['latest', '0:99', 'Last-Event-ID: t has no offset 99'],
])('refuses %s behind "%s"', (from, last, says) => {
  expect(() => topicStart('t', described, from, last)).toThrow(says);
});

it('tells a place of up to 200 partitions', () => {
  const next = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`t/${String(i)}`, BigInt(i)]));
  expect([placeText(next(2)), placeText(next(0)), placeText(next(201))]).toEqual(['0:0,1:1', undefined, undefined]);
  expect(placeText(next(200))).toBeDefined();
});
