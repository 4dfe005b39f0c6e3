import { concat, lastValueFrom, NEVER, type Observable, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inScope } from '../../../src/call.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import type { ModelBackend } from '../../../src/inference/model.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { testScope } from '../../helpers/scope.ts';
import { fakeBackend, type Said, usageOf } from '../fake-backend.ts';

const pieces = ['this', ' answer', ' ends'];
const prompt = 'x'.repeat(40); // 10 tokens and 4 for its turn

function setUp(says: readonly Said[], extra: Partial<ModelBackend> = {}, over = {}) {
  const told: unknown[] = [];
  const scope = testScope(virtualClock(), {
    used: ({ inputTokens, outputTokens }) => void told.push([inputTokens, outputTokens]),
  });
  const model = completeModel(fakeBackend(says, over, extra));
  return { told, model, inCall: <T>(body: () => T): T => inScope(scope, body) };
}

const chatOf = (end: Observable<never>): Partial<ModelBackend> => ({
  chat: () => concat(of(...pieces.map((text, index) => ({ text, index }))), end),
});
const schema = z.object({ ok: z.boolean() });

describe('what a pipeline counts of the tokens that its models use', () => {
  it('is what the back end tells, once for each call, also of answers that no schema takes', async () => {
    const { told, model, inCall } = setUp(['no', 'not', '{"ok":true}']);
    await inCall(() => lastValueFrom(model.answer(prompt, { schema, repairs: 2 })));
    expect(told).toEqual([
      [10, 3],
      [10, 3],
      [10, 3],
    ]);
  });

  it('counts an answer that fails for good', async () => {
    const { told, model, inCall } = setUp(['no']);
    await expect(inCall(() => lastValueFrom(model.answer(prompt, { schema })))).rejects.toMatchObject({ code: 'answer_invalid' });
    expect(told).toEqual([[10, 3]]);
  });

  it('is the prompt by estimate and what was received of a call that broke off', async () => {
    const { told, model, inCall } = setUp([], chatOf(throwError(() => new Error('cut'))));
    await expect(inCall(() => lastValueFrom(model.chat(prompt).pipe(toArray())))).rejects.toThrow('cut');
    expect(told).toEqual([[14, 1 + 2 + 2]]);
  });

  it('is the same of a call that nobody waits for any more', () => {
    const { told, model, inCall } = setUp([], chatOf(NEVER));
    const running = inCall(() => model.chat(prompt).subscribe());
    expect(told).toEqual([]);
    running.unsubscribe();
    expect(told).toEqual([[14, 5]]);
  });

  it('is nothing of a call that brought nothing', () => {
    const { told, model, inCall } = setUp(['hang']);
    inCall(() => model.chat(prompt).subscribe()).unsubscribe();
    expect(told).toEqual([]);
  });

  it('counts labels and embeddings as they tell', async () => {
    const extra: Partial<ModelBackend> = {
      labelLogProbabilities: () => of({ logProbabilities: [0], usage: usageOf(7, 0) }),
      embed: () => of([{ vector: new Float32Array([1]), usage: usageOf(5, 0), model: 'fake' }]),
    };
    const { told, model, inCall } = setUp([], extra, { logProbabilities: true, embeddings: true });
    await expect(inCall(() => lastValueFrom(model.classify(prompt, { labels: ['a', 'b'] })))).rejects.toMatchObject({
      code: 'model_failed',
    });
    await inCall(() => lastValueFrom(model.embed(['a'])));
    expect(told).toEqual([
      [7, 0],
      [5, 0],
    ]);
  });
});
