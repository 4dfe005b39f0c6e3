import { Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type CallScope, currentScope, inScope, scopeOf } from '../../../src/call.ts';
import { systemClock } from '../../../src/clock.ts';
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

  describe('calibrated', () => {
    /** Leans to the second label by log 3; a prompt with `good` in it is as much for the first as the leaning is for the second. */
    const leaning = () => {
      const asked: string[] = [];
      const backend = fakeBackend(
        [],
        { logProbabilities: true },
        {
          labelLogProbabilities: (turns) => {
            const text = turns.at(-1)?.content ?? '';
            asked.push(text);
            return of({ logProbabilities: [text.includes('good') ? Math.log(2) : 0, Math.log(3)], usage: usageOf(7, 0) });
          },
        },
      );
      return { model: completeModel(backend), asked };
    };
    const two = ['yes', 'no'] as const;

    it('takes out what the model leans to where there is nothing to judge', async () => {
      const { model } = leaning();
      expect(await resultOf(model.classify('good', { labels: two }))).toMatchObject({ label: 'no', confidence: 0.6 });
      const result = await resultOf(model.classify('good', { labels: two, calibrate: 'N/A' }));
      expect(result.label).toBe('yes');
      expect(result.confidence).toBeCloseTo(2 / 3);
      expect(result.probabilities?.no).toBeCloseTo(1 / 3);
    });

    it('asks for it once for each such prompt and labels, and tells its usage there', async () => {
      const { model, asked } = leaning();
      const ask = (labels: readonly string[], calibrate: string) => resultOf(model.classify('good', { labels, calibrate }));
      expect((await ask(two, 'N/A')).usage).toEqual(usageOf(14, 0));
      expect((await ask(two, 'N/A')).usage).toEqual(usageOf(7, 0));
      await ask(['no', 'yes'], 'N/A');
      await ask(two, '-');
      expect(asked.filter((text) => text !== 'good')).toEqual(['N/A', 'N/A', '-']);
    });

    it('keeps the 64 that were asked for last', async () => {
      const { model, asked } = leaning();
      const ask = (calibrate: string) => resultOf(model.classify('good', { labels: two, calibrate }));
      await ask('first');
      for (let i = 0; i < 63; i += 1) await ask(`n${String(i)}`);
      await ask('first');
      await ask('one more');
      await ask('first');
      expect(asked.filter((text) => text === 'first')).toHaveLength(1);
      await ask('n0');
      expect(asked.filter((text) => text === 'n0')).toHaveLength(2);
    });

    it.each([
      { leans: [0, Number.NEGATIVE_INFINITY, -2], given: [-1, -1, -1], expected: [1, Math.E ** 2, Math.E ** 2] },
      { leans: [0, -1, -2], given: [0, Number.NEGATIVE_INFINITY, -2], expected: [1, 0, 1] },
    ])('takes a label that was not told of for as likely as the least: $leans', async ({ leans, given, expected }) => {
      const backend = fakeBackend(
        [],
        { logProbabilities: true },
        { labelLogProbabilities: ([turn]) => of({ logProbabilities: turn?.content === '-' ? leans : given, usage: usageOf(1, 0) }) },
      );
      const result = await resultOf(completeModel(backend).classify('x', { labels, calibrate: '-' }));
      const sum = expected.reduce((a, b) => a + b, 0);
      for (const [i, label] of labels.entries()) expect(result.probabilities?.[label]).toBeCloseTo((expected[i] ?? 0) / sum);
    });

    it('is one call to whoever counts: both are in its scope, and the record’s history knows of both', async () => {
      const scopes: CallScope[] = [];
      const elsewhere = scopeOf(systemClock);
      const backend = fakeBackend(
        [],
        { logProbabilities: true },
        {
          labelLogProbabilities: () => {
            scopes.push(currentScope());
            // a result that comes on the stack of another call
            return new Observable((out) => {
              queueMicrotask(() => {
                inScope(elsewhere, () => {
                  out.next({ logProbabilities: [-1, -2], usage: usageOf(7, 0) });
                  out.complete();
                });
              });
            });
          },
        },
      );
      const model = completeModel(backend);
      const scope = scopeOf(systemClock);
      const ask = () => inScope(scope, () => resultOf(model.classify('x', { labels: two, calibrate: '-' })));
      await ask();
      expect(scope.tries.repairs).toBe(1);
      await ask();
      expect(scope.tries.repairs).toBe(1);
      expect(scopes).toHaveLength(3);
      // the counting of usage wraps the scope, so what tells them apart is what they count into
      expect(scopes.map(({ tries }) => tries === scope.tries)).toEqual([true, true, true]);
    });

    it('needs log-probabilities, and a prompt', async () => {
      const asked = completeModel(fakeBackend(['{"label":"mixed"}'])).classify('x', { labels, calibrate: 'N/A' });
      expect((await failureOf(resultOf(asked))).code).toBe('capability_missing');
      expect(() => leaning().model.classify('x', { labels, calibrate: 7 as unknown as string })).toThrow('prompt must be');
      const blind = completeModel(seen([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]));
      expect((await failureOf(resultOf(blind.classify('x', { labels, calibrate: '-' })))).code).toBe('model_failed');
    });
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
