import { expect, it } from 'vitest';
import type { Question } from '../../../pipelines/synthesis/agent/question.ts';
import { configFrom } from '../../../pipelines/synthesis/config.ts';
import { ModelDesk } from '../../../pipelines/synthesis/model-desk.ts';
import { SpendLimit } from '../../../pipelines/synthesis/spend-limit.state.ts';
import { WaitingTimes } from '../../../pipelines/synthesis/waiting-times.state.ts';
import type { CallContext } from '../../../src/call.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/testing.ts';
import { quietContext } from '../../helpers/embedded-model.ts';
import { testScope, within } from '../../helpers/scope.ts';

const question: Question = {
  ...{ step: 'answer', turns: [{ role: 'user', content: 'x' }], maxTokens: 10, temperature: 0, seed: 1 },
  jsonSchema: { type: 'object' },
};
const nobody = { onTimes: () => undefined, onUsed: () => undefined };
const [latencyMs, retryAfterMs] = [50, 100];

/** Forty calls, six at a time as six seeds ask, of a model that says 429 above `most` at once. */
async function crowded(isRemote: boolean, most: number) {
  const clock = virtualClock();
  const { config } = configFrom('x', { environment_mode: 'math' });
  const times = new WaitingTimes();
  const desk = new ModelDesk({ config, workers: 6, isRemote, spend: new SpendLimit(Infinity), times, clock, onSpent: () => undefined });
  const begun: number[] = [];
  const running = (nowMs: number): number => begun.filter((ms) => nowMs - ms < latencyMs).length;
  let highest = 0; // once it has been lowered
  const opened = await scripted(
    ({ nowMs }) => {
      if (times.overloads > 0) highest = Math.max(highest, desk.limit);
      if (running(nowMs) >= most) return { fault: { kind: 'overload', status: 429, retryAfterMs } };
      begun.push(nowMs);
      return { text: '{}', latencyMs };
    },
    { name: 'm' },
  ).open({ ...quietContext(), clock });
  const failures: unknown[] = [];
  let [left, done] = [40, 0];
  const next = (): void => {
    if (left === 0) return;
    left -= 1;
    const asked = desk.ask(opened.value, question, { signal: new AbortController().signal } as CallContext, nobody);
    within(testScope(clock, { random: () => 0.5 }), asked).subscribe({
      error: (error: unknown) => failures.push(error),
      complete: () => {
        done += 1;
        next();
      },
    });
  };
  for (let lane = 0; lane < 6; lane += 1) next();
  await clock.advance(20_000);
  expect(failures).toEqual([]);
  return { done, limit: desk.limit, highest, overloads: times.overloads };
}

it('asks a server for less at once when it says that it is too much, until it says so no more; nothing is lost', async () => {
  const { done, limit, highest, overloads } = await crowded(true, 2);
  expect([done, limit <= 3, highest < 6]).toEqual([40, true, true]);
  expect(overloads).toBeGreaterThan(0);
  expect(overloads).toBeLessThan(15); // six at once all the time would be told forty times and more
});

it('asks for as much as there are seeds where nobody says that it is too much', async () => {
  expect(await crowded(true, 6)).toEqual({ done: 40, limit: 6, highest: 0, overloads: 0 });
});

it.each([2, 4])('waits for a server that is away, also where a call has few attempts: %i', async (attempts) => {
  const clock = virtualClock();
  const { config } = configFrom('x', { environment_mode: 'math', attempts });
  const spend = new SpendLimit(Infinity);
  const desk = new ModelDesk({ config, workers: 1, isRemote: true, spend, times: new WaitingTimes(), clock, onSpent: () => undefined });
  let calls = 0;
  const opened = await scripted(
    () => {
      calls += 1;
      return calls <= 6 ? { fault: { kind: 'status', status: 502 } } : { text: '{}' };
    },
    { name: 'm' },
  ).open({ ...quietContext(), clock });
  const ended: unknown[] = [];
  const asked = desk.ask(opened.value, question, { signal: new AbortController().signal } as CallContext, nobody);
  within(testScope(clock, { random: () => 0.5 }), asked).subscribe({
    error: (error: unknown) => ended.push(error),
    complete: () => ended.push('answered'),
  });
  await clock.advance(20 * 60_000);
  expect(ended).toEqual(['answered']);
  expect(spend.spent).toBeGreaterThan(0);
});

it.each([
  ['that cannot be used', 'no JSON'],
  ['that can be used', `{"a":"${'x '.repeat(40)}"}`],
])('counts an answer %s against the budget, which is never passed', async (_, text) => {
  const clock = virtualClock();
  const { config } = configFrom('x', { environment_mode: 'math' });
  const spend = new SpendLimit(2_000);
  let [spent, used] = [0, 0];
  const onSpent = (): void => {
    spent += 1;
  };
  const desk = new ModelDesk({ config, workers: 1, isRemote: false, spend, times: new WaitingTimes(), clock, onSpent });
  const opened = await scripted(() => ({ text }), { name: 'm' }).open({ ...quietContext(), clock });
  const ended: unknown[] = [];
  const listener = {
    onTimes: () => undefined,
    onUsed: ({ inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number }) => {
      used += inputTokens + outputTokens;
    },
  };
  for (let asked = 0; asked < 1_000 && spent === 0; asked += 1) {
    within(testScope(clock), desk.ask(opened.value, question, { signal: new AbortController().signal } as CallContext, listener)).subscribe(
      {
        error: (error: unknown) => ended.push(error),
      },
    );
    await clock.advance(100);
  }
  expect([spent, spend.spent <= 2_000, spend.spent > 1_000, used === spend.spent]).toEqual([1, true, true, true]);
  expect(ended.at(-1)).toMatchObject({ message: 'the token budget of this run is spent' });
});
