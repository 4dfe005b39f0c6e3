import { describe, it } from 'vitest';
import { avroProperties } from './avro-properties.ts';

const runs = 300;

describe('avro: any schema, any value', () => {
  it.each(Object.entries(avroProperties))('%s', { timeout: 120_000 }, async (_, holds) => {
    await holds(runs);
  });
});
