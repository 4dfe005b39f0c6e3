import { expect, it } from 'vitest';
import { idempotencyKey } from '../../../src/inference/openai/idempotency-key.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { served } from './served.ts';

const position = { topic: 'orders', partition: 3, offset: 7n, epoch: 1 };

it('is the same for a record, an attempt and a body, whoever owns the partition', () => {
  const key = idempotencyKey({ position, attempt: 1 }, { a: 1 });
  expect(key).toMatch(/^millrace-[\w-]{32}$/);
  expect(idempotencyKey({ position: { ...position, epoch: 9 }, attempt: 1 }, { a: 1 })).toBe(key);
  const others = [
    idempotencyKey({ position, attempt: 2 }, { a: 1 }),
    idempotencyKey({ position, attempt: 1 }, { a: 2 }),
    idempotencyKey({ position: { ...position, offset: 8n }, attempt: 1 }, { a: 1 }),
  ];
  expect(new Set([key, ...others]).size).toBe(4);
  expect(idempotencyKey({ position: undefined, attempt: 1 }, {})).toBeUndefined();
});

it('goes with requests that have a record, where it is asked for', async () => {
  const ctx = {
    signal: new AbortController().signal,
    attempt: 1,
    deadlineMs: Number.POSITIVE_INFINITY,
    position,
    key: null,
    headers: [],
    context: {},
    degraded: [],
  };
  const asked = await served({ tokens: ['x'] }, { idempotency: true });
  await resultOf(asked.model.chat('x', {}, ctx));
  await resultOf(asked.model.chat('x', {}, ctx));
  await resultOf(asked.model.chat('x'));
  const [first, again, outside] = asked.server.requests.map(({ headers }) => headers['idempotency-key']);
  expect(first).toMatch(/^millrace-/);
  expect(again).toBe(first);
  expect(outside).toBeUndefined();
  const unasked = await served({ tokens: ['x'] });
  await resultOf(unasked.model.chat('x', {}, ctx));
  expect(unasked.server.requests[0]?.headers).not.toHaveProperty('idempotency-key');
});
