import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { registry } from '../../../src/codec/registry/registry.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { registryServer } from '../../helpers/registry-server.ts';

it.each<[string, (response: ServerResponse) => unknown]>([
  ['silence', () => undefined],
  ['a slow drip', (response) => response.writeHead(200).write('{')],
])('%s, twice as long as it is waited for', async (_, fault) => {
  const clock = virtualClock();
  const options = { clock, requestTimeoutMs: 50, attempts: 2, retryMs: 0 };
  const { url, questions, close } = await registryServer({ fault: (_question, response) => (fault(response), true) });
  const client = registry({ url, ...options });
  const failure = failureOf(client.schemaById(1));
  await expect.poll(() => questions.length).toBe(1);
  await clock.advance(49);
  expect(questions).toHaveLength(1);
  await clock.advance(1);
  await expect
    .poll(async () => {
      await clock.advance(0); // the wait before the next try
      return questions.length;
    })
    .toBe(2);
  await clock.advance(50);
  const error = await failure;
  await close();
  expect([error.code, error.message]).toEqual(['registry_unavailable', expect.stringContaining('no whole answer within 50 ms')]);
});
