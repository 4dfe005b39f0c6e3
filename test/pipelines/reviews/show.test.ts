import { describe, expect, it } from 'vitest';
import type { EnrichedReview } from '../../../pipelines/reviews/schema.ts';
import { progressLine, resultLine, showSummary } from '../../../pipelines/reviews/show.ts';
import { Tally } from '../../../pipelines/reviews/tally.ts';
import type { Output } from '../../../src/command.ts';

const result: EnrichedReview = {
  id: '1_2',
  text: 'the picture is sharp and the colors look natural',
  sentiment: 'positive',
  confidence: 0.934,
  aspect: 'picture',
  model: 'm',
  tokens: 90,
  latencyMs: 182,
};
const sentence = { id: '1_2', review: '1', text: result.text, rating: 2.35 };

describe('a result', () => {
  it('is one line: what the model says, what people say, and the sentence', () => {
    expect(resultLine(result, sentence, 200)).toBe(
      'positive 0.93  picture  people +2.4    182 ms  the picture is sharp and the colors look natural',
    );
  });

  it.each([80, 100])('fits into %d columns', (width) => {
    const line = resultLine({ ...result, text: 'x'.repeat(500) }, sentence, width);
    expect(line.length).toBeLessThan(width);
    expect(line.endsWith('…')).toBe(true);
  });
});

describe('the live line', () => {
  const progress = { finished: 30, records: 121, done: 20, tokens: 1800, inFlight: 16, elapsedMs: 10_000, leftMs: undefined };

  it.each([
    [{}, '30 of 121 · 2.0 records/s · 180 tokens/s · 16 in flight · ETA 0:46'],
    [{ leftMs: 30_000 }, '30 of 121 · 2.0 records/s · 180 tokens/s · 16 in flight · ETA 0:30'],
    [{ leftMs: -5 }, '30 of 121 · 2.0 records/s · 180 tokens/s · 16 in flight · ETA 0:00'],
    [{ done: 0, tokens: 0, elapsedMs: 0 }, '30 of 121 · 0.0 records/s · 0 tokens/s · 16 in flight · ETA -:--'],
    [{ finished: 121 }, '121 of 121 · 2.0 records/s · 180 tokens/s · 16 in flight · ETA 0:00'],
  ])('with %j is %s', (change, expected) => {
    expect(progressLine({ ...progress, ...change })).toBe(expected);
  });
});

describe('the table', () => {
  const shown = (repeated: boolean): string => {
    const tally = new Tally([sentence]);
    tally.result(result, repeated);
    if (repeated) tally.result(result, false);
    const rows: string[] = [];
    const out = {
      line: () => undefined,
      table: (table: readonly (readonly string[])[]) => {
        rows.push(...table.map((row) => row.join(' | ')));
      },
    } as unknown as Output;
    showSummary(
      out,
      tally.summary({ dropped: 0, seconds: 1 }),
      [{ position: 'reviews/0@3', code: 'decode_failed', message: 'no JSON' }],
      '20 people each',
    );
    return rows.join('\n');
  };

  it('has what was done, how fast, how well, and the dead letters', () => {
    expect(shown(false)).toContain('done | 1 of 2\n');
    expect(shown(false)).toContain('agrees with 20 people each | 100 % of 1 rated beyond ±1');
    expect(shown(false)).toContain('p50 182 ms, p99 182 ms');
    expect(shown(false)).toContain('reviews/0@3 | decode_failed | no JSON');
  });

  it('tells repeats and earlier results only where there are any', () => {
    expect(shown(false)).not.toMatch(/repeated|earlier/);
    expect(shown(true)).toMatch(/1 of them by an earlier run[^]*repeated \| 1/);
  });
});
