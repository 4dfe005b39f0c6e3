import { expect, it } from 'vitest';
import { Robots } from '../../../../src/tools/internal/web/robots.ts';

it('robots.txt is kept for an hour, of the 500 sites that were asked last', async () => {
  const robots = new Robots('millrace');
  const asked: string[] = [];
  const ask = (host: string, nowMs: number): Promise<void> =>
    robots.require(new URL(`https://${host}/x`), nowMs, (url) => {
      asked.push(url.hostname);
      return Promise.resolve({ status: 404, headers: {}, body: Buffer.alloc(0) });
    });
  await ask('a.example.org', 0);
  await ask('a.example.org', 3_599_999);
  expect(asked).toHaveLength(1);
  await ask('a.example.org', 3_600_000);
  expect(asked).toHaveLength(2);
  for (let i = 0; i < 500; i += 1) await ask(`b${String(i)}.example.org`, 3_600_000);
  await ask('b0.example.org', 3_600_000);
  expect(asked).toHaveLength(502);
  await ask('a.example.org', 3_600_000);
  expect(asked).toHaveLength(503);
});
