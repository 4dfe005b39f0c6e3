import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { untilReady } from '../../../../src/inference/openai/server/ready-check.ts';
import { virtualClock } from '../../../../src/virtual-clock.ts';
import { failureOf } from '../../../helpers/failure-of.ts';

/** A program that takes connections, says what `answers` says of a path, and nothing at all of others. */
async function mute(answers: Readonly<Record<string, number>> = {}) {
  const asked: string[] = [];
  const program = createServer(({ url = '' }, outgoing) => {
    asked.push(url);
    const status = answers[url];
    if (status !== undefined) outgoing.writeHead(status).end();
  });
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    program.closeAllConnections();
    program.close();
  });
  return { asked, origin: `http://127.0.0.1:${String((program.address() as AddressInfo).port)}` };
}

it.each([
  ['at once', {}, ['/health'], 1_500],
  ['in its second question', { '/health': 404 }, ['/health', '/v1/models'], 1_500],
  ['in a question that would take 5 s of 6', {}, ['/health', '/health'], 6_000],
])('a program that says nothing, %s, is late when its time is over', async (_, answers, paths, withinMs) => {
  const { asked, origin } = await mute(answers);
  const clock = virtualClock();
  const { signal } = new AbortController();
  let isOver = false;
  const failure = failureOf(untilReady({ origin, path: undefined, apiKey: undefined, withinMs, clock, signal })).finally(() => {
    isOver = true;
  });
  for (const [nth] of paths.entries()) {
    await vi.waitFor(() => {
      expect(asked.length).toBeGreaterThan(nth);
    });
    if (withinMs > 5_000 && nth === 0) await clock.advance(5_100);
  }
  await clock.advance(withinMs - clock.nowMs() - 1);
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(await failure).toMatchObject({
    code: 'model_unavailable',
    message: expect.stringContaining(`within ${String(withinMs / 1_000)} s (no answer in `) as string,
  });
  expect(asked).toEqual(paths);
});
