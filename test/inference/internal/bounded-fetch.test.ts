import { expect, it } from 'vitest';
import { boundedFetch } from '../../../src/inference/internal/bounded-fetch.ts';

const answering = (body: string | null) =>
  boundedFetch(10, () => Promise.resolve(new Response(body, { status: 201, headers: { 'x-of': 'it' } })));

it('hands on what is as long as it may be, with its status and headers', async () => {
  const response = await answering('0123456789')('http://x');
  expect([response.status, response.headers.get('x-of'), await response.text()]).toEqual([201, 'it', '0123456789']);
  expect((await answering(null)('http://x')).body).toBeNull();
});

it('fails one byte later, in bytes and not in characters', async () => {
  for (const body of ['0123456789a', 'ääääää'])
    await expect((await answering(body)('http://x')).text()).rejects.toMatchObject({ code: 'model_rejected' });
});
