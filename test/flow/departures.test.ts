import { expect, it } from 'vitest';
import { TransportError } from '../../src/errors.ts';
import { type Departure, othersAfter } from '../../src/flow/departures.ts';

const way = (topic: string, bytes: number, to: Departure['to'] = 'dead-letter'): Departure => ({
  ...{ to, topic },
  record: { key: null, value: Buffer.alloc(bytes), headers: [] },
});
const retry = way('retry', 5_000, 'retry');
const whole = way('dead', 5_000);
const withKey = way('dead', 5_010);
const bare = way('dead', 100);
const tooLarge = new TransportError('record_too_large', 'too large');

it.each<readonly [string, Departure, Error, readonly Departure[], readonly Departure[]]>([
  ['is not written again as large, to the same topic', whole, tooLarge, [withKey, bare], [bare]],
  ['goes to another topic, which may take more', retry, tooLarge, [whole, withKey, bare], [whole, withKey, bare]],
  ['gets the key that it lacked', whole, new TransportError('record_rejected', 'no key'), [withKey, bare], [withKey, bare]],
  ['has no way left that is smaller', bare, tooLarge, [whole], []],
])('a letter that is refused %s', (_, refused, error, others, left) => {
  expect(othersAfter(refused, error, others)).toEqual(left);
});
