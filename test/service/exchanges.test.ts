import { once } from 'node:events';
import { connect } from 'node:net';
import { asapScheduler, from, of, scheduled } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { completeModel } from '../../src/inference/complete-model.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { serve, until } from './serving.ts';

it('a drain waits for embeddings, too', async () => {
  const { capabilities } = scripted('');
  let isAsked = false;
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 0, totalTokens: 1 };
  const value = completeModel({
    ...{ name: 'm', capabilities: { ...capabilities, embeddings: true }, chat: () => of(), countTokens: () => of(1) },
    embed: () => {
      isAsked = true;
      return from(asked.then(() => [{ vector: new Float32Array([1]), usage, model: 'm' }]));
    },
  });
  const m = { name: 'm', open: () => Promise.resolve({ value, close: () => Promise.resolve() }) };
  const service = await serve({ models: { m } });
  const response = fetch(`${service.url}/v1/embeddings`, {
    ...{ method: 'POST', body: '{"model": "m", "input": "a"}', headers: { 'content-type': 'application/json' } },
  });
  await until(() => isAsked);
  const drained = service.drain({ deadlineMs: 60_000 });
  answer();
  expect((await response).status).toBe(200);
  await drained;
});

it('a drain loses nothing of an answer that its reader takes slowly', async () => {
  const { capabilities } = scripted('');
  const text = 'x'.repeat(64 * 1024);
  const pieces = 400; // more than the system's own buffers take
  const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: pieces, totalTokens: pieces + 1 };
  const all = [...Array.from({ length: pieces }, (_, index) => ({ text, index })), { text: '', index: pieces, usage }];
  const chat = () => scheduled(all, asapScheduler);
  const value = completeModel({ name: 'm', capabilities, chat, countTokens: () => of(1) });
  const service = await serve({ models: { m: { name: 'm', open: () => Promise.resolve({ value, close: () => Promise.resolve() }) } } });
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const body = '{"model":"m","messages":[{"role":"user","content":"a"}]}';
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}`;
  socket.pause();
  socket.write(`${head}\r\n\r\n${body}`);
  await until(async () => (await service.state()).generations.open === 0 && (await service.state()).tokens > 0);
  const drained = service.drain({ deadlineMs: 60_000 });
  let bytes = 0;
  let last = '';
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    last = (last + chunk.toString()).slice(-300);
  });
  const closed = once(socket, 'close');
  await new Promise((resolve) => setImmediate(resolve));
  socket.resume();
  await Promise.all([drained, closed]);
  expect(last).toContain('"total_tokens"');
  expect(bytes).toBeGreaterThan(pieces * text.length);
});
