import OpenAI from 'openai';
import { expect, it, onTestFinished } from 'vitest';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import type { Script } from '../../../src/inference/scripted/script.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { serveModels, type Service } from '../../../src/service/serve-models.ts';
import { viaTopic, type ViaTopicOptions } from '../../../src/service/via/via-topic.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { mortal } from '../../helpers/mortal.ts';
import { eventsIn, until } from '../serving.ts';

const said = 'One two three, four five six.';
const messages = [{ role: 'user' as const, content: 'count' }];

/** A server that only asks, and one that works and can be killed; `takeOver` starts another that works. */
async function world(again: Script = said) {
  const clock = virtualClock(1_000_000);
  const log = memory({ clock });
  const passing = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    await until(async () => {
      await clock.advance(200);
      return isOver;
    });
    return work;
  };
  const up = async (options: Partial<ViaTopicOptions>): Promise<Service> => {
    const models = { m: viaTopic({ transport: log, topic: 'asks', partitions: 2, ...options }) };
    const service = await passing(serveModels({ models, clock, port: 0, log: silentLog }));
    onTestFinished(() => passing(service.close()));
    return service;
  };
  const doomed = scripted(said, { tokenMs: 1_000 });
  const { transport, kill } = mortal(log);
  await up({ transport, model: doomed });
  const { url } = await up({});
  const takeOver = async (): Promise<void> => {
    await until(async () => {
      await clock.advance(100);
      return doomed.stats.running === 1;
    });
    await clock.advance(2_500);
    await kill();
    await up({ model: scripted(again, { tokenMs: 10 }) });
  };
  const generate = (): Promise<Response> =>
    fetch(`${url}/v1/generate`, { method: 'POST', body: '{"prompt":"count"}', headers: { 'content-type': 'application/json' } });
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  return { clock, takeOver, generate, client };
}

it('a worker that dies in the midst of an answer is a higher attempt to readers of the plain stream', async () => {
  const { clock, takeOver, generate } = await world();
  const response = await generate();
  await takeOver();
  await clock.advance(1_000);
  const events = eventsIn(await response.text());
  const values = events.slice(0, -1).map(({ data }) => JSON.parse(data) as { readonly attempt: number; readonly text?: string });
  const textOf = (attempt: number): string => values.map((one) => (one.attempt === attempt ? (one.text ?? '') : '')).join('');
  expect([textOf(1), textOf(2), new Set(values.map(({ attempt }) => attempt)).size]).toEqual(['One two three,', said, 2]);
  expect([values.at(-1), events.at(-1)?.data]).toMatchObject([{ finish_reason: 'stop', attempt: 2 }, '[DONE]']);
});

it('is nothing to an OpenAI client that gets the same answer again', async () => {
  const { clock, takeOver, client } = await world();
  const asked = client.chat.completions.create({ model: 'm', messages, stream: true });
  await takeOver();
  await clock.advance(1_000);
  const stream = await asked;
  let text = '';
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
  expect(text).toBe(said);
});

it('is an error to an OpenAI client that would get another answer', async () => {
  const { clock, takeOver, client } = await world('One two or so.');
  const asked = client.chat.completions.create({ model: 'm', messages, stream: true });
  await takeOver();
  await clock.advance(1_000);
  const stream = await asked;
  let text = '';
  const read = async (): Promise<void> => {
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
  };
  await expect(read()).rejects.toThrow(/the worker of this answer died/);
  expect(text).toBe('One two three,');
});

it('is nothing to who waits for the whole answer', async () => {
  const { clock, takeOver, client } = await world('Another answer.');
  const asked = client.chat.completions.create({ model: 'm', messages });
  await takeOver();
  await clock.advance(1_000);
  expect((await asked).choices[0]?.message.content).toBe('Another answer.');
});
