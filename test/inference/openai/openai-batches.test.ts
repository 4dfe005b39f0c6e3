import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { type BatchRequest, openAiBatches } from '../../../src/inference/openai/openai-batches.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { allOf } from '../../helpers/result-of.ts';
import { testScope, within } from '../../helpers/scope.ts';
import { replyLine } from './batch-server.ts';
import { asking, batching, paths, shown } from './batching.ts';

describe('a batch', () => {
  it('is a file of requests, made once, and its answers by id', async () => {
    const { model, at } = await batching();
    const results = await allOf(model.ask([...asking('a'), { id: 'b', prompt: 'x', options: { maxTokens: 5, seed: 3 } }]));
    expect(results).toEqual([
      {
        id: 'a',
        reply: {
          text: 'to a',
          finishReason: 'stop',
          model: 'served-1',
          usage: { inputTokens: 5, cachedTokens: 0, outputTokens: 2, totalTokens: 7 },
        },
      },
      expect.objectContaining({ id: 'b' }),
    ]);
    const lines = (at.files.get('file-0') ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      {
        custom_id: 'a',
        method: 'POST',
        url: '/v1/chat/completions',
        body: { model: 'small', messages: [{ role: 'user', content: 'Say a' }], max_completion_tokens: 512, temperature: 0 },
      },
      expect.objectContaining({ custom_id: 'b', body: expect.objectContaining({ max_completion_tokens: 5, seed: 3 }) as object }),
    ]);
    expect(paths(at)).toEqual(['GET /v1/batches', 'POST /v1/files', 'POST /v1/batches', 'GET /v1/files/output-batch_0/content']);
    expect(at.requests[2]?.headers['idempotency-key']).toMatch(/^millrace-[0-9a-f]{32}$/);
    expect(at.batches[0]?.metadata).toEqual({ millrace_requests: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  });

  it('is cold, and leaves no file behind', async () => {
    const { model, at } = await batching();
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-batch-'));
    const call = model.ask(asking('a'));
    expect(at.requests).toHaveLength(0);
    await allOf(call);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-batch-') && !before.includes(name))).toEqual([]);
  });

  it('takes requests as they are made, also later', async () => {
    const { model } = await batching();
    async function* later(): AsyncGenerator<BatchRequest> {
      for (let n = 0; n < 2_000; n += 1) {
        if (n % 500 === 0) await new Promise(setImmediate);
        yield { id: `r${String(n)}`, prompt: 'x'.repeat(100) };
      }
    }
    const results = await allOf(model.ask(later()));
    expect(new Set(results.map(({ id, reply }) => reply && id)).size).toBe(2_000);
  });

  it('is looked at after 2 s, then ever more seldom, and tells how it stands', async () => {
    const told = vi.fn();
    const clock = virtualClock();
    const { model, at } = await batching(
      { status: (look) => ['validating', 'in_progress', 'finalizing'][look] ?? 'completed' },
      { onProgress: told },
    );
    const results = allOf(within(testScope(clock), model.ask(asking('a'))));
    const looks = () => paths(at).filter((path) => path === 'GET /v1/batches/batch_0').length;
    for (const [waitMs, nth] of [
      [2_000, 1],
      [3_000, 2],
      [4_500, 3],
    ] as const) {
      await vi.waitFor(() => {
        expect(told).toHaveBeenCalledTimes(nth);
      });
      await new Promise(setImmediate);
      await clock.advance(waitMs - 1);
      expect(looks()).toBe(nth - 1);
      await clock.advance(1);
      await vi.waitFor(() => {
        expect(looks()).toBe(nth);
      });
    }
    expect(shown(await results)).toEqual([['a', 'to a']]);
    expect(told.mock.calls[0]).toEqual([{ id: 'batch_0', status: 'validating', completed: 1, failed: 0, total: 1 }]);
    expect(told.mock.calls.at(-1)).toMatchObject([{ status: 'completed' }]);
  });
});

describe('asked for again', () => {
  it('the same requests are the same batch, in another process too, and nothing is paid for twice', async () => {
    const { model, at, again } = await batching();
    await allOf(model.ask(asking('a', 'b')));
    for (let n = 0; n < 150; n += 1) at.addOther(); // it is on the second page
    expect(shown(await allOf((await again()).model.ask(asking('a', 'b'))))).toEqual([
      ['a', 'to a'],
      ['b', 'to b'],
    ]);
    expect(paths(at).filter((path) => path.startsWith('POST'))).toEqual(['POST /v1/files', 'POST /v1/batches']);
  });

  it('other requests, or another order, are another', async () => {
    const { model, at } = await batching();
    await allOf(model.ask(asking('a', 'b')));
    await allOf(model.ask(asking('b', 'a')));
    await allOf(model.ask(asking('a')));
    expect(at.batches).toHaveLength(3);
  });

  it('one that runs is joined, one that was left goes on', async () => {
    const clock = virtualClock();
    const { model, at, again, close } = await batching({ status: (look) => (look < 1 ? 'in_progress' : 'completed') });
    const first = allOf(within(testScope(clock), model.ask(asking('a')))).catch((error: unknown) => error);
    await vi.waitFor(() => {
      expect(at.batches).toHaveLength(1);
    });
    await close(); // as at a restart
    expect(await first).toMatchObject({ name: 'AbortError' });
    const second = allOf(within(testScope(clock), (await again()).model.ask(asking('a'))));
    await vi.waitFor(() => {
      expect(paths(at).filter((path) => path === 'GET /v1/batches')).toHaveLength(2);
    });
    await vi.waitFor(async () => {
      await clock.advance(2_000);
      expect(paths(at)).toContain('GET /v1/files/output-batch_0/content');
    });
    expect(shown(await second)).toEqual([['a', 'to a']]);
    expect(at.batches).toHaveLength(1);
    expect(paths(at)).not.toContain('POST /v1/batches/batch_0/cancel');
  });

  it('one that brought nothing is not taken up', async () => {
    const { model, at } = await batching({
      status: () => (at.batches.length > 1 ? 'completed' : 'expired'),
      answer: ({ custom_id: id }) => (at.batches.length > 1 ? { line: replyLine(id, 'ok') } : undefined),
    });
    expect(shown(await allOf(model.ask(asking('a'))))).toEqual([['a', 'model_unavailable']]);
    expect(shown(await allOf(model.ask(asking('a'))))).toEqual([['a', 'ok']]);
    expect(at.batches).toHaveLength(2);
  });

  it('by its id it is followed', async () => {
    const { model, at } = await batching();
    await allOf(model.ask(asking('a')));
    expect(shown(await allOf(model.follow('batch_0')))).toEqual([['a', 'to a']]);
    expect(at.batches).toHaveLength(1);
    expect((await failureOf(allOf(model.follow('batch_9')))).code).toBe('model_not_found');
    expect(() => model.follow(' ')).toThrow(/batchId/);
  });
});

describe('who leaves', () => {
  const isCancelled = async (cancelOnUnsubscribe: boolean, status: string): Promise<boolean> => {
    const told = vi.fn();
    const { model, at } = await batching({ status: () => status }, { cancelOnUnsubscribe, onProgress: told });
    const subscription = within(testScope(virtualClock()), model.ask(asking('a'))).subscribe();
    await vi.waitFor(() => {
      expect(told).toHaveBeenCalled();
      expect(subscription.closed).toBe(status === 'completed');
    });
    subscription.unsubscribe();
    for (let n = 0; n < 3; n += 1) await failureOf(allOf(model.follow(`batch_${String(n + 7)}`))); // long enough for a cancel to arrive
    return paths(at).includes('POST /v1/batches/batch_0/cancel');
  };

  it.each([
    ['leaves a batch that runs', false, 'in_progress', false],
    ['cancels it where that was wished', true, 'in_progress', true],
    ['cancels nothing that has ended', true, 'completed', false],
  ] as const)('%s', async (_, cancelOnUnsubscribe, status, expected) => {
    expect(await isCancelled(cancelOnUnsubscribe, status)).toBe(expected);
  });
});

it.each<[object, RegExp]>([
  [{ baseUrl: 'x' }, /baseUrl/],
  [{ cancelOnUnsubscribe: 1 }, /cancelOnUnsubscribe/],
  [{ onProgress: 'x' }, /onProgress/],
  [{ api: 'responses' }, /no option api/],
])('refuses %j', (options, message) => {
  expect(() => openAiBatches({ baseUrl: 'http://localhost/v1', model: 'm', ...options })).toThrow(message);
});
