import { setImmediate as nextTurn } from 'node:timers/promises';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { inScope, scopeOf } from '../../../src/call.ts';
import type { ScriptedCall, ScriptedSaying } from '../../../src/inference/scripted/script.ts';
import { scripted, type ScriptedOptions } from '../../../src/inference/scripted/scripted.ts';
import type { ChatChunk, Model } from '../../../src/inference/model.ts';
import type { Opened } from '../../../src/resource.ts';
import '../../../src/service/via/open-via-topic.ts'; // loaded before virtual time begins: it is imported when a topic is opened
import type { AnswerPiece } from '../../../src/service/answer-piece.ts';
import { viaTopic, type ViaTopicOptions } from '../../../src/service/via/via-topic.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { mortal } from '../../helpers/mortal.ts';

const said = 'one two three four five six';

function world() {
  const clock = virtualClock(1_000_000);
  const log = memory({ clock });
  const begin = (options: Partial<ViaTopicOptions> = {}): Promise<Opened<Model>> =>
    viaTopic({ transport: log, topic: 'asks', partitions: 4, ...options }).open({
      ...{ clock, signal: new AbortController().signal, log: () => undefined },
    });
  const open = async (options: Partial<ViaTopicOptions> = {}): Promise<Opened<Model>> => {
    const opening = begin(options);
    const state = { isOpen: false };
    void opening.then(() => (state.isOpen = true));
    // what is loaded meanwhile takes the machine's time, not the clock's
    for (let i = 0; i < 40 || !state.isOpen; i += 1) {
      await clock.advance(200);
      await nextTurn();
    }
    return opening;
  };
  const ask = <T>(work: () => Observable<T>): Promise<readonly T[]> => inScope(scopeOf(clock), () => lastValueFrom(work().pipe(toArray())));
  const worker = (options: ScriptedOptions = {}) => scripted(said, { tokenMs: 100, ...options });
  return { clock, log, begin, open, ask, worker };
}

const textOf = (pieces: readonly ChatChunk[]): string => pieces.map(({ text }) => text).join('');

it('answers through topics as the model itself does, and shares the load among workers', async () => {
  const { clock, open, ask, worker } = world();
  const [first, second] = [worker(), worker()];
  const a = await open({ model: first, places: 1 });
  await open({ model: second, places: 1 });
  const front = await open();
  expect([front.value.capabilities.embeddings, a.value.capabilities.exactTokens]).toEqual([true, true]);
  const answers = Promise.all(Array.from({ length: 8 }, () => ask(() => front.value.chat('count'))));
  await clock.advance(10_000);
  const direct = ask(() => worker().chat('count'));
  await clock.advance(10_000);
  const { usage, finishReason } = (await direct).at(-1) ?? {};
  for (const pieces of await answers) {
    expect(textOf(pieces)).toBe(said);
    expect(pieces.at(-1)).toMatchObject({ usage, finishReason });
    expect(pieces.length).toBeGreaterThan(5); // as they come, not at the end
  }
  expect([first.stats.completed + second.stats.completed, Math.min(first.stats.completed, second.stats.completed) > 1]).toEqual([8, true]);
});

it('makes vectors, more than one record holds', async () => {
  const { clock, open, ask, worker } = world();
  const front = await open({ model: worker() });
  const texts = Array.from({ length: 150 }, (_, i) => `text ${String(i)}`);
  const [asked, direct] = [ask(() => front.value.embed(texts)), ask(() => worker().embed(texts))];
  await clock.advance(1_000);
  const [[through = []], [itself = []]] = [await asked, await direct];
  expect(through.map(({ vector }) => [...vector])).toEqual(itself.map(({ vector }) => [...vector]));
  const tokens = (all: typeof through): number => all.reduce((sum, { usage }) => sum + usage.inputTokens, 0);
  expect(tokens(through)).toBe(tokens(itself));
});

it('gives tools to a model that chooses among them, wherever it is, and tells its calls', async () => {
  const { clock, open, ask } = world();
  const seen: ScriptedCall[] = [];
  const script = (call: ScriptedCall): ScriptedSaying => {
    seen.push(call);
    if (call.turns.at(-1)?.toolCallId !== undefined) return 'It is 7.';
    return {
      text: 'Let me look.',
      toolCalls: ['Bern', 'Rome'].map((city) => ({ id: city, name: 'weather', arguments: `{"city": "${city}"}` })),
    };
  };
  await open({ model: scripted(script, { tokenMs: 5, capabilities: { tools: true } }) });
  const front = await open();
  expect(front.value.capabilities.tools).toBe(true);
  const options = { tools: [{ name: 'weather', parameters: { type: 'object' } }], toolChoice: 'auto', parallelToolCalls: true } as const;
  const asked = ask(() => front.value.chat('How is it?', options));
  await clock.advance(5_000);
  const pieces = await asked;
  expect(textOf(pieces)).toBe('Let me look.');
  const calls = pieces.flatMap(({ toolCalls = [] }) => toolCalls);
  const joined = [0, 1].map((index) => calls.filter((one) => one.index === index).reduce((text, one) => text + one.arguments, ''));
  expect(joined).toEqual(['{"city": "Bern"}', '{"city": "Rome"}']);
  expect(calls.filter(({ id }) => id !== undefined)).toMatchObject([
    { index: 0, id: 'Bern', name: 'weather' },
    { index: 1, id: 'Rome' },
  ]);
  expect(pieces.reduce((sum, { tokenCount = 0 }) => sum + tokenCount, 0)).toBe(pieces.at(-1)?.usage?.outputTokens);
  expect(seen[0]?.options).toMatchObject(options);
  const turns = [
    { role: 'user', content: 'How is it?' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'Bern', name: 'weather', arguments: '{}' }] },
    { role: 'user', content: '7', toolCallId: 'Bern' },
  ] as const;
  const after = ask(() => front.value.chat(turns, options));
  await clock.advance(5_000);
  expect(textOf(await after)).toBe('It is 7.');
  expect(seen[1]?.turns).toEqual(turns);
});

it('survives a worker that dies in the midst of an answer, which begins anew', async () => {
  const { clock, log, open, ask, worker } = world();
  const [doomed, other] = [worker(), worker()];
  const { transport, kill } = mortal(log);
  await open({ transport, model: doomed });
  const front = await open();
  const asked = ask<AnswerPiece>(() => front.value.chat('count'));
  await clock.advance(350);
  expect(doomed.stats.running).toBe(1);
  await kill();
  await open({ model: other });
  const pieces = await asked;
  const again = pieces.findIndex(({ anew }) => anew === true);
  expect([textOf(pieces.slice(0, again)), textOf(pieces.slice(again))]).toEqual(['one two three four', said]);
  expect(pieces.filter(({ anew }) => anew).length).toBe(1);
});

it('leaves a request that no worker survives, and takes it back', async () => {
  const { clock, open, ask } = world();
  const model = scripted(() => ({ text: said, fault: { kind: 'crash' } }));
  const front = await open({ model });
  const failure = ask(() => front.value.chat('count')).catch((error: unknown) => error);
  await clock.advance(1_000);
  expect(await failure).toMatchObject({ code: 'model_crashed' });
  expect(model.stats.calls).toBe(3);
});

it('stops the worker when the reader leaves', async () => {
  const { clock, open, worker } = world();
  const model = worker();
  await open({ model });
  const front = await open();
  const reader = inScope(scopeOf(clock), () => front.value.chat('count').subscribe());
  await clock.advance(250);
  expect(model.stats.running).toBe(1);
  reader.unsubscribe();
  await clock.advance(50);
  expect(model.stats).toMatchObject({ running: 0, aborted: 1 });
});

it('stops a worker whose server has gone, and no other', async () => {
  const { clock, log, open, worker } = world();
  const model = worker({ tokenMs: 20_000 });
  await open({ model });
  const { transport, kill } = mortal(log);
  const [gone, there] = [await open({ transport }), await open()];
  inScope(scopeOf(clock), () => [gone, there].map(({ value }) => value.chat('count').subscribe({ error: () => undefined })));
  await clock.advance(1_000);
  expect(model.stats.running).toBe(2);
  await kill();
  await clock.advance(45_000);
  expect(model.stats).toMatchObject({ running: 1, aborted: 1 });
});

it('says that no worker is there', async () => {
  const { clock, begin } = world();
  const failure = expect(begin()).rejects.toMatchObject({
    code: 'model_unavailable',
    message: expect.stringMatching(/no worker of this topic/) as string,
  });
  await clock.advance(40_000);
  await failure;
});

it('fails what cannot be put on the topic', async () => {
  const { clock, log, open, ask, worker } = world();
  const front = await open({ model: worker() });
  log.broker.down();
  const failure = ask(() => front.value.chat('count')).catch((error: unknown) => error);
  await clock.advance(60_000);
  expect(await failure).toMatchObject({ code: 'model_unavailable' });
  log.broker.up();
  const asked = ask(() => front.value.chat('count'));
  await clock.advance(60_000);
  expect(textOf(await asked)).toBe(said);
});

it('passes over what is no request, into dead letters', async () => {
  const { clock, log, open, ask, worker } = world();
  const front = await open({ model: worker() });
  log.broker.append('asks', 0, [{ key: null, value: Buffer.from('{"kind":"sing"}'), headers: [] }]);
  log.broker.append('asks.tokens', 0, [{ key: null, value: Buffer.from('nothing'), headers: [] }]);
  log.broker.append('asks.control', 0, [{ key: null, value: null, headers: [] }]);
  const asked = ask(() => front.value.chat('count'));
  await clock.advance(5_000);
  expect(textOf(await asked)).toBe(said);
  expect(log.broker.records('asks.dead', 0)).toHaveLength(1);
});
