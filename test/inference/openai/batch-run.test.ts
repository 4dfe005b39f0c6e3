import { describe, expect, it, vi } from 'vitest';
import type { BatchRequest } from '../../../src/inference/openai/openai-batches.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { allOf } from '../../helpers/result-of.ts';
import { testScope, within } from '../../helpers/scope.ts';
import { type BatchServerOptions, replyLine } from './batch-server.ts';
import { asking, batching, paths, shown } from './batching.ts';
import { apiKey } from './served.ts';

describe('failures of all', () => {
  const failing = (code: string): BatchServerOptions => ({
    status: () => 'failed',
    more: () => ({ errors: { data: [{ code, line: 3, message: 'a text of yours' }] } }),
  });

  it.each([
    ['invalid_json_line', 'model_rejected'],
    ['token_limit_exceeded', 'overloaded'],
  ])('a batch that is refused for %s: %s', async (given, code) => {
    const { model } = await batching(failing(given));
    const failure = await failureOf(allOf(model.ask(asking('a'))));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(new RegExp(`${given}.*line 3`));
  });

  it('looks again when a look fails, and gives up what no waiting mends', async () => {
    const clock = virtualClock();
    const fault: BatchServerOptions['fault'] = (path, nth) =>
      path === 'GET /v1/batches/batch_0' && nth <= 2 ? { status: [503, 500][nth - 1] ?? 0, body: {} } : undefined;
    const { model, at } = await batching({ status: (look) => (look < 1 ? 'in_progress' : 'completed'), fault });
    const results = allOf(within(testScope(clock), model.ask(asking('a'))));
    await vi.waitFor(async () => {
      await clock.advance(1_000);
      expect(paths(at).filter((path) => path === 'GET /v1/batches/batch_0')).toHaveLength(3);
    });
    expect(shown(await results)).toEqual([['a', 'to a']]);
    const refused = await batching({
      status: () => 'in_progress',
      fault: (path) => (path.startsWith('GET /v1/batches/batch_0') ? { status: 401, body: {} } : undefined),
    });
    const failure = failureOf(allOf(within(testScope(clock), refused.model.ask(asking('a')))));
    await vi.waitFor(async () => {
      await clock.advance(1_000);
      expect(paths(refused.at)).toContain('GET /v1/batches/batch_0');
    });
    expect((await failure).code).toBe('model_unauthorized');
  });

  it('goes on looking as long as some looks succeed', async () => {
    const clock = virtualClock();
    const look = 'GET /v1/batches/batch_0';
    const fault: BatchServerOptions['fault'] = (path, nth) => (path === look && nth % 2 === 1 ? { status: 503, body: {} } : undefined);
    const { model, at } = await batching({ status: (nth) => (nth < 18 ? 'in_progress' : 'completed'), fault });
    const results = allOf(within(testScope(clock), model.ask(asking('a'))));
    await vi.waitFor(
      async () => {
        await clock.advance(60_000);
        expect(paths(at).filter((path) => path === look)).toHaveLength(36);
      },
      { timeout: 20_000, interval: 5 },
    );
    expect(shown(await results)).toEqual([['a', 'to a']]);
  });

  it.each<[string, number, string]>([
    ['POST /v1/files', 413, 'prompt_too_long'],
    ['POST /v1/batches', 429, 'overloaded'],
    ['GET /v1/batches', 401, 'model_unauthorized'],
    ['GET /v1/files/output-batch_0/content', 500, 'model_failed'],
  ])('%s with %i: %s, without the key', async (at, status, code) => {
    const { model } = await batching({
      fault: (path) => (path === at ? { status, body: { error: { message: `no, ${apiKey}` } } } : undefined),
    });
    const failure = await failureOf(allOf(model.ask(asking('a'))));
    expect(failure.code).toBe(code);
    expect(failure.message).not.toContain(apiKey);
  });

  it.each<[string, BatchRequest[], RegExp]>([
    ['none', [], /at least one/],
    ['one id twice', asking('a', 'a'), /once/],
    ['too many', Array.from({ length: 50_001 }, (_, n) => ({ id: String(n), prompt: 'x' })), /50000/],
  ])('%s: model_rejected, and nothing is sent', async (_, requests, message) => {
    const { model, at } = await batching();
    const failure = await failureOf(allOf(model.ask(requests)));
    expect([failure.code, failure.message]).toEqual(['model_rejected', expect.stringMatching(message)]);
    expect(at.requests).toHaveLength(0);
  });

  it('a file may be longer than an answer', async () => {
    const { model } = await batching({}, { maxAnswerBytes: 1_024 });
    const ids = Array.from({ length: 50 }, (_, n) => String(n));
    expect((await allOf(model.ask(asking(...ids)))).filter(({ reply }) => reply)).toHaveLength(50);
  });

  it('a line that never ends: model_rejected', async () => {
    const { model } = await batching(
      { answer: ({ custom_id: id }) => ({ line: replyLine(id, 'x'.repeat(5_000)) }) },
      { maxAnswerBytes: 4_096 },
    );
    expect((await failureOf(allOf(model.ask(asking('a'))))).code).toBe('model_rejected');
  });
});
