import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, forkJoin, lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inScope, scopeOf } from '../../../src/call.ts';
import { definePrompt } from '../../../src/inference/define-prompt.ts';
import { cassette, type CassetteOptions } from '../../../src/inference/cassette/cassette.ts';
import type { Model } from '../../../src/inference/model.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { testScope, within } from '../../helpers/scope.ts';

let file: string;
let count = 0;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cassette-'));
  file = join(folder, 'deeper', `answers-${String((count += 1))}.jsonl`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const Mood = z.object({ mood: z.string() });
const saying = '{"mood":"good"}';
const context = { clock: virtualClock(), signal: new AbortController().signal, log: () => undefined };

async function withModel<T>(model: ScriptedModel, options: Partial<CassetteOptions>, use: (played: Model) => Promise<T>): Promise<T> {
  const { value, close } = await cassette(model, { file, ...options }).open(context);
  try {
    return await use(value);
  } finally {
    await close();
  }
}

/** Every method once. */
const askAll = async (model: Model) => ({
  chat: (await firstValueFrom(model.chat('hello', { maxTokens: 9 }).pipe(toArray()))).map((piece) => ({ ...piece, timings: undefined })),
  answer: await lastValueFrom(model.answer('how is it?', { schema: Mood })),
  label: await lastValueFrom(model.classify('is it?', { labels: ['yes', 'no'] })),
  vectors: await lastValueFrom(model.embed(['a b', 'c'])),
  tokens: await lastValueFrom(model.countTokens('one two three')),
  estimate: await lastValueFrom(model.estimate('one two', { maxTokens: 5 })),
});
const labels = () => [-0.1, -3];
const mood = definePrompt<string>({ name: 'mood', version: '1', user: [(text) => text] });

describe('cassette', () => {
  it('replays what it has recorded, of every method, without opening the model', async () => {
    const model = scripted(saying, { labels });
    const recorded = await withModel(model, { mode: 'record' }, askAll);
    expect(model.stats.calls).toBeGreaterThan(3);
    const closed: ScriptedModel = { ...scripted('other'), open: () => Promise.reject(new Error('it was opened')) };
    expect(await withModel(closed, {}, askAll)).toEqual(recorded);
  });

  it('tells what was used once, whether it records or replays', async () => {
    const told = async (played: Model): Promise<readonly string[]> => {
      const used: string[] = [];
      const meter = { observe: () => undefined, received: () => undefined, sent: () => undefined, used: () => used.push('meter') };
      const scope = testScope(virtualClock(), {
        meter,
        used: ({ model: by, prompt, inputTokens, outputTokens }) =>
          used.push(prompt ?? `${String(by)} ${String(inputTokens)}+${String(outputTokens)}`),
      });
      for (const call of [
        played.chat(mood('x')),
        played.answer(mood('y'), { schema: Mood }),
        played.classify(mood('z'), { labels: ['a', 'b'] }),
      ])
        await lastValueFrom(within<unknown>(scope, call));
      await lastValueFrom(within(scope, played.embed(['a b'])));
      return used;
    };
    const recorded = await withModel(scripted(saying, { labels }), { mode: 'record' }, told);
    expect(await withModel(scripted('other'), {}, told)).toEqual(recorded);
    const identity = expect.stringMatching(/^mood@1#/) as string;
    const counts = expect.stringMatching(/^scripted \d+\+\d+$/) as string;
    expect(recorded).toEqual([identity, 'meter', counts, identity, 'meter', counts, identity, counts, counts]);
  });

  it('asks the model once for each question, however often and from wherever it comes', async () => {
    const model = scripted(saying);
    await withModel(model, { mode: 'record' }, async (played) => {
      await lastValueFrom(played.chat('hello'));
      await lastValueFrom(played.chat([{ role: 'user', content: 'hello' }], { temperature: 0 }));
      await withModel(model, { mode: 'record' }, (other) => lastValueFrom(other.chat('hello')));
    });
    expect(model.stats.calls).toBe(1);
  });

  it('takes everything that an answer depends on for another question', async () => {
    await withModel(scripted(saying), { mode: 'record' }, (played) => lastValueFrom(played.answer('q', { schema: Mood })));
    await withModel(scripted(saying), {}, async (played) => {
      const options = [{ maxTokens: 5 }, { temperature: 1 }, { stop: ['x'] }, { seed: 3 }, { topP: 0.5 }];
      for (const more of options)
        await expect(lastValueFrom(played.answer('q', { schema: Mood, ...more }))).rejects.toMatchObject({ code: 'model_not_found' });
      await expect(lastValueFrom(played.answer('q', { schema: Mood.extend({ why: z.string() }) }))).rejects.toThrow(
        /has no answer to chat \{"jsonSchema":.*: record it with MILLRACE_CASSETTE=record, or mode: 'record'/,
      );
      expect(await lastValueFrom(played.answer('q', { schema: Mood }))).toMatchObject({ value: { mood: 'good' } });
    });
  });

  it('validates by today’s schema', async () => {
    const jsonSchema = { type: 'object' };
    await withModel(scripted(saying), { mode: 'record' }, (played) => lastValueFrom(played.answer('q', { schema: Mood, jsonSchema })));
    await withModel(scripted(saying), {}, (played) =>
      expect(lastValueFrom(played.answer('q', { schema: z.object({ mood: z.number() }), jsonSchema }))).rejects.toMatchObject({
        code: 'answer_invalid',
      }),
    );
  });

  it('asks for what is missing, and keeps the rest', async () => {
    await withModel(scripted('first'), { mode: 'record' }, (played) => lastValueFrom(played.chat('a')));
    const model = scripted('second');
    await withModel(model, { mode: 'auto' }, (played) => lastValueFrom(forkJoin([played.chat('a'), played.chat('b')])));
    expect(model.stats.callsOf('a')).toBe(0);
    expect(model.stats.callsOf('b')).toBe(1);
  });

  it('writes the same file whatever the order of the calls, and nothing but questions and answers', async () => {
    const record = async (prompts: readonly string[]): Promise<string> => {
      file = join(folder, `${prompts.join('')}.jsonl`);
      await withModel(scripted(saying), { mode: 'record' }, (played) =>
        lastValueFrom(forkJoin(prompts.map((prompt) => played.chat(prompt)))),
      );
      return readFile(file, 'utf8');
    };
    const text = await record(['a', 'b', 'c']);
    expect(await record(['c', 'a', 'b'])).toBe(text);
    expect(text.split('\n').map((line) => Object.keys(line === '' ? {} : (JSON.parse(line) as object)))).toEqual([
      ['cassette', 'model', 'capabilities'],
      ...Array.from({ length: 3 }, () => ['method', 'key', 'request', 'emitted']),
      [],
    ]);
  });

  it.each([
    { timing: 'none', at: 0 },
    { timing: 'recorded', at: 130 },
  ] as const)('replays times: $timing', async ({ timing, at }) => {
    const clock = virtualClock();
    const timed = async (mode: 'record' | 'replay') =>
      withModel(scripted('one two', { latencyMs: 100, tokenMs: 30 }), { mode, timing }, async (played) => {
        const end = { ms: -1 };
        const startMs = clock.nowMs();
        void inScope(scopeOf(clock), () => lastValueFrom(played.chat('q'))).then(() => {
          end.ms = clock.nowMs() - startMs;
        });
        await clock.advance(1_000);
        return end.ms;
      });
    expect(await timed('record')).toBe(130);
    expect(await timed('replay')).toBe(at);
  });

  it('records failures that would be the same again, and no others', async () => {
    const failing = scripted([
      { prompt: 'bad', says: { fault: { kind: 'status', status: 400 } } },
      { prompt: 'down', says: { fault: { kind: 'status', status: 500 } } },
    ]);
    const ask = (played: Model) => Promise.allSettled([lastValueFrom(played.chat('bad')), lastValueFrom(played.chat('down'))]);
    await withModel(failing, { mode: 'record' }, ask);
    const [bad, down] = await withModel(failing, {}, ask);
    expect(bad).toMatchObject({ reason: { code: 'model_rejected' } });
    expect(down).toMatchObject({ reason: { code: 'model_not_found' } });
  });

  it('records nothing of a call that was given up', async () => {
    await withModel(scripted('one two', { latencyMs: 10 }), { mode: 'record' }, async (played) => {
      played.chat('q').subscribe().unsubscribe();
      await lastValueFrom(played.chat('other'));
    });
    expect(await readFile(file, 'utf8')).not.toContain('"q"');
  });

  it('says what to do about a file that is not there, is damaged, or is another model’s', async () => {
    const nothing = (): Promise<void> => Promise.resolve();
    await expect(withModel(scripted(''), {}, nothing)).rejects.toThrow(
      `does not exist: record it with MILLRACE_CASSETTE=record, or mode: 'record'`,
    );
    await withModel(scripted('x'), { mode: 'record' }, (played) => lastValueFrom(played.chat('q')));
    await expect(
      withModel(scripted('', { name: 'other' }), { mode: 'auto' }, (played) => lastValueFrom(played.chat('new'))),
    ).rejects.toThrow('holds answers of scripted, and the model is other: begin it anew');
    file = join(folder, 'damaged.jsonl');
    await writeFile(file, '{"cassette":1,"model":"m","capabilities":{}}\n{"key":"a"\n');
    await expect(withModel(scripted(''), {}, nothing)).rejects.toThrow(/line 2 of .*damaged.jsonl is no line of a cassette/);
  });

  it.each([{ mode: 'play' as 'auto' }, { file: '' }, { timing: 'slow' as 'none' }])('refuses %j', (given) => {
    expect(() => cassette(scripted(''), { file, ...given })).toThrow(/must be/);
  });
});
