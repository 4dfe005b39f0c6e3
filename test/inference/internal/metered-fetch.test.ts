import { firstValueFrom, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { withinBudget } from '../../../operators/index.ts';
import type { Model } from '../../../src/inference/model.ts';
import { estimateCall } from '../../../src/inference/estimate-call.ts';
import { tokenBudget } from '../../../src/policies/token-budget.ts';
import { systemClock } from '../../../src/clock.ts';
import { chunkEvent } from '../../helpers/openai-server.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { allOf } from '../../helpers/result-of.ts';
import { opened, served } from '../openai/served.ts';

const budgetFor = () => tokenBudget({ tokensPerMinute: 100_000, requestsPerMinute: 100 });
const ask = (model: Model, budget: ReturnType<typeof budgetFor>) =>
  model
    .chat('Say ok', { maxTokens: 100 })
    .pipe(withinBudget(budget, { estimate: () => estimateCall(model, 'Say ok', { maxTokens: 100 }) }));
const spent = (budget: ReturnType<typeof budgetFor>) => {
  const { requests, inputTokens, outputTokens } = budget.spent(systemClock.nowMs());
  return { requests, inputTokens, outputTokens };
};

describe('a budget around a server', () => {
  it('is settled from the usage', async () => {
    const { model } = await served({ tokens: ['o', 'k'] });
    const budget = budgetFor();
    await allOf(ask(model, budget));
    expect(spent(budget)).toEqual({ requests: 1, inputTokens: 7, outputTokens: 2 });
  });

  it('spends what has come of an answer that is broken off', async () => {
    const { model } = await served({ raw: [chunkEvent('one'), chunkEvent('two'), chunkEvent('three')] });
    const budget = budgetFor();
    await firstValueFrom(ask(model, budget).pipe(take(1)));
    expect(spent(budget)).toEqual({ requests: 1, inputTokens: 6, outputTokens: 1 });
  });

  it('gets all back when nothing listens there', async () => {
    const { server, close } = await served({ tokens: ['ok'] });
    await close();
    await server.close();
    const { model } = await opened({ baseUrl: server.url });
    const budget = budgetFor();
    expect(await failureOf(allOf(ask(model, budget)))).toMatchObject({ code: 'model_unavailable' });
    expect(spent(budget)).toEqual({ requests: 0, inputTokens: 0, outputTokens: 0 });
  });

  it('heeds what the headers say, also those of a refusal', async () => {
    const headers = { 'x-ratelimit-remaining-requests': '5', 'x-ratelimit-reset-requests': '30s', 'retry-after': '20' };
    const { model } = await served({ status: 429, headers, body: { error: { message: 'slow down' } } });
    const budget = budgetFor();
    expect(await failureOf(allOf(ask(model, budget)))).toMatchObject({ code: 'overloaded', retryAfterMs: 20_000 });
    const nowMs = systemClock.nowMs();
    expect(budget.describe(nowMs).numbers).toMatchObject({ requests_left: 5 });
    const holds: number[] = [];
    const share = budget.acquire({ tokens: 1, clock: systemClock, hold: (_, untilMs) => holds.push(untilMs), granted: () => undefined });
    share.cancel();
    expect(holds[0]).toBeGreaterThan(nowMs + 15_000);
  });
});
