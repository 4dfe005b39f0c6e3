import { describe, expect, it } from 'vitest';
import type { RatedSentence } from '../../../pipelines/reviews/data.ts';
import type { EnrichedReview } from '../../../pipelines/reviews/schema.ts';
import { quantile, Tally } from '../../../pipelines/reviews/tally.ts';

const rated = (ratings: readonly number[]): RatedSentence[] =>
  ratings.map((rating, i) => ({ id: `r_${String(i)}`, review: 'r', text: 't', rating }));
const result = (i: number, sentiment: EnrichedReview['sentiment'], latencyMs = 10): EnrichedReview => ({
  id: `r_${String(i)}`,
  text: 't',
  sentiment,
  confidence: 0.9,
  aspect: 'other',
  model: 'm',
  tokens: 5,
  latencyMs,
});
const malformed = { id: undefined, isMalformed: true };

describe('the tally', () => {
  it('counts agreement beyond 1 and of all but those rated 0', () => {
    const tally = new Tally(rated([2, -2, 1, -0.5, 0, 1.05]));
    for (let i = 0; i < 6; i += 1) tally.result(result(i, 'positive'), false);
    const { agreement } = tally.summary({ dropped: 0, seconds: 1 });
    expect(agreement).toEqual({ beyond1: { share: 2 / 3, of: 3 }, all: { share: 3 / 5, of: 5 } });
  });

  it('has no agreement without results', () => {
    const { agreement, p50Ms, p99Ms } = new Tally(rated([1])).summary({ dropped: 0, seconds: 0 });
    expect([agreement.all, p50Ms, p99Ms]).toEqual([{ share: null, of: 0 }, null, null]);
  });

  it('counts a result once, however often it comes, and tells the repeats', () => {
    const tally = new Tally(rated([2, 2]));
    expect([tally.result(result(0, 'positive'), true), tally.result(result(0, 'negative'), false)].map(Boolean)).toEqual([true, false]);
    expect(tally.summary({ dropped: 0, seconds: 1 })).toMatchObject({
      records: 3,
      done: 1,
      earlier: 1,
      repeated: 1,
      unfinished: 2,
      tokens: 5,
      agreement: { all: { share: 1, of: 1 } },
    });
    expect(tally.fresh).toEqual({ done: 0, tokens: 0 });
  });

  it('is complete with a result or a dead letter for each sentence, and one for the malformed record', () => {
    const tally = new Tally(rated([2, 2]));
    tally.result(result(0, 'positive'), false);
    expect(tally.letter({ id: 'r_1', isMalformed: false })).toBe(true);
    expect([tally.isComplete, tally.failed]).toEqual([false, 1]);
    expect(tally.letter(malformed)).toBe(true);
    expect([tally.isComplete, tally.failed]).toEqual([true, 2]);
    expect([tally.letter(malformed), tally.letter({ id: 'r_1', isMalformed: false })]).toEqual([false, false]);
    expect(tally.summary({ dropped: 0, seconds: 1 })).toMatchObject({ failed: 2, done: 1, repeated: 2, unfinished: 0 });
  });

  it('takes a sentence that failed first and succeeded later for done', () => {
    const tally = new Tally(rated([2]));
    tally.letter({ id: 'r_0', isMalformed: false });
    tally.result(result(0, 'positive'), false);
    expect([tally.done, tally.failed, tally.finished]).toEqual([1, 0, 1]);
  });

  it('leaves out what is none of its own', () => {
    const tally = new Tally(rated([2]));
    expect(tally.result(result(7, 'positive'), false)).toBeUndefined();
    expect([tally.letter({ id: 'r_7', isMalformed: false }), tally.letter({ id: undefined, isMalformed: false })]).toEqual([false, false]);
    expect(tally.finished).toBe(0);
  });

  it('takes a dropped record for finished in the summary', () => {
    expect(new Tally(rated([1, 1])).summary({ dropped: 2, seconds: 1.26 })).toMatchObject({
      records: 3,
      dropped: 2,
      unfinished: 1,
      seconds: 1.3,
    });
  });
});

describe('quantile', () => {
  it.each([
    [[], 0.5, null],
    [[7], 0.99, 7],
    [[3, 1, 2], 0.5, 2],
    [[4, 3, 2, 1], 0.5, 2],
    [Array.from({ length: 100 }, (_, i) => i + 1), 0.99, 99],
    [Array.from({ length: 200 }, (_, i) => i + 1), 0.99, 198],
  ])('of %j at %d is %j', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });
});
