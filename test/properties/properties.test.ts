import { describe, expect, it } from 'vitest';
import { heapOfKeys } from './heap-of-keys.ts';
import { properties, runProperty } from './properties.ts';

// `npm run prove -- properties` runs 10,000 of each
const cases = 200;
const events = 200;

describe('against a model of it', () => {
  it.each(Object.keys(properties))(`%s does the same, in ${String(cases)} cases of ${String(events)} events`, (name) => {
    expect(runProperty(name, cases, events)).toBeUndefined();
  });
});

it('a pipeline keeps nothing of the keys that have passed', { timeout: 120_000 }, async () => {
  expect(await heapOfKeys(100_000)).toBeLessThan(40); // `npm run prove -- properties` passes a million, and allows 20
});
