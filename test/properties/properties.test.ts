import { describe, expect, it } from 'vitest';
import { properties, runProperty } from './properties.ts';

// `npm run prove -- properties` runs 10,000 of each
const cases = 200;
const events = 200;

describe('against a model of it', () => {
  it.each(Object.keys(properties))(`%s does the same, in ${String(cases)} cases of ${String(events)} events`, (name) => {
    expect(runProperty(name, cases, events)).toBeUndefined();
  });
});
