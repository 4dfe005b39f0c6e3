import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { fakeBackend, type Said, usageOf } from '../fake-backend.ts';

describe('classify', () => {
  const labels = ['positive', 'negative', 'mixed'] as const;
  const seen = (logProbabilities: readonly number[]) =>
    fakeBackend([], { logProbabilities: true }, { labelLogProbabilities: () => of({ logProbabilities, usage: usageOf(7, 0) }) });

  it('gives each label its share of the probability', async () => {
    const result = await resultOf(completeModel(seen([-801, -800, Number.NEGATIVE_INFINITY])).classify('x', { labels }));
    expect(result).toMatchObject({ label: 'negative', usage: usageOf(7, 0), model: 'fake' });
    expect(result.confidence).toBeCloseTo(1 / (1 + Math.exp(-1)));
    expect(Object.values(result.probabilities ?? {}).reduce((a, b) => a + b, 0)).toBeCloseTo(1);
    expect(result.probabilities?.mixed).toBe(0);
  });

  it.each([[[-1, -2]], [[Number.NaN, -1, -2]], [Array.from({ length: 3 }, () => Number.NEGATIVE_INFINITY)]])(
    'refuses log-probabilities %j',
    async (given) => {
      const error = await failureOf(resultOf(completeModel(seen(given)).classify('x', { labels })));
      expect(error.code).toBe('model_failed');
    },
  );

  it.each([
    ['{"label":"mixed"}', 'mixed'],
    ['```json\n{ "label" : "Mixed" }```', 'mixed'],
    ['Negative.', 'negative'],
    [{ text: '{"label":"mixed"', finish: 'length' as const }, 'mixed'],
  ])('takes a constrained answer where there are no log-probabilities: %j', async (said, label) => {
    const backend = fakeBackend([said]);
    const result = await resultOf(completeModel(backend).classify('x', { labels }));
    expect(result).toMatchObject({ label, confidence: 1, probabilities: undefined, usage: usageOf(10, 3), model: 'fake-1' });
    expect(backend.asked[0]?.options.jsonSchema).toMatchObject({ properties: { label: { enum: labels } } });
    expect(backend.asked[0]?.turns[0]?.content).toContain('"positive", "negative", "mixed"');
  });

  it.each<[Said, string]>([
    ['{"label":"SECRET"}', 'answer_invalid'],
    ['', 'answer_empty'],
    [{ text: 'positive', finish: 'length' }, 'answer_truncated'],
    [{ text: 'no', finish: 'refused' }, 'answer_refused'],
  ])('fails for %j', async (said, code) => {
    const error = await failureOf(resultOf(completeModel(fakeBackend([said])).classify('x', { labels })));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('SECRET');
  });

  it('does not guess between labels that differ in case only', async () => {
    const asked = completeModel(fakeBackend(['pos'])).classify('x', { labels: ['Pos', 'POS'] });
    expect((await failureOf(resultOf(asked))).code).toBe('answer_invalid');
  });

  it('treats a label like __proto__ as any other', async () => {
    const result = await resultOf(completeModel(seen([-1, -2])).classify('x', { labels: ['__proto__', 'b'] }));
    expect(Object.keys(result.probabilities ?? {})).toEqual(['__proto__', 'b']);
  });

  it.each<[readonly string[]]>([
    [[]],
    [['a']],
    [['a', 'a']],
    [['a', ' a']],
    [['a', ' ']],
    [Array.from({ length: 257 }, (_, n) => String(n))],
  ])('refuses labels %j', (given) => {
    expect(() => completeModel(seen([])).classify('x', { labels: given })).toThrow(/labels/);
  });
});
