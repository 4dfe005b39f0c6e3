import { concat, EMPTY, lastValueFrom, of, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { InferenceError } from '../../../src/errors.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import type { Model } from '../../../src/inference/model.ts';
import { answering, type AnsweringOptions } from '../../../src/inference/route/answering.ts';
import { route } from '../../../src/inference/route/route.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { fakeBackend, type Said } from '../fake-backend.ts';
import { answer, good, modelOf, open, prompt, resultIn, saying, schema, textOf, words } from './answers.ts';
import { calmScope, openContext, resourceOf } from './opened.ts';

describe('a prompt that does not fit', () => {
  it.each([
    ['tail', /^Which mood has this text\?\n\nw0 w1 .* \[…\]$/],
    ['head', /^Which mood has this text\?\n\n\[…\] \S+ w\d+ .* w98 w99$/],
  ] as const)('is cut at its %s, in its data alone, and the output says so', async (side, left) => {
    const { model: own, seen } = modelOf(good, 50);
    const { clock, model } = await open({ model: own, whenTooLong: { truncate: side } });
    const scope = calmScope(clock);
    const found = await resultIn(clock, model.answer(prompt({ text: words(100) }), answer), scope);
    expect(found).toMatchObject({ value: { mood: 'good' }, degraded: [`truncated-${side}`] });
    expect([scope.degraded, seen.length]).toEqual([[`truncated-${side}`], 2]); // the one that did not fit, and the one that did
    expect(seen[1]).toMatch(left);
    const tokens = await lastValueFrom(own.countTokens(seen[1] ?? ''));
    expect(tokens, 'most of the room is used').toBeGreaterThan(30);
    expect(tokens).toBeLessThanOrEqual(40);
  });

  it('is left as it is where it fits', async () => {
    const { model: own } = modelOf(good, 50);
    const { clock, model } = await open({ model: own, whenTooLong: { truncate: 'tail' } });
    const scope = calmScope(clock);
    const found = await resultIn(clock, model.answer(prompt({ text: words(10) }), answer), scope);
    expect([found.degraded, scope.degraded]).toEqual([undefined, []]);
  });

  it('keeps a short slot whole beside a long one', async () => {
    const { model: own, seen } = modelOf(good, 50);
    const { clock, model } = await open({ model: own, whenTooLong: { truncate: 'tail' } });
    await resultIn(clock, model.answer(prompt({ title: 'a short title', text: words(100) }), answer));
    expect(seen[1]).toContain('\na short title\nw0 ');
  });

  it('is cut for a text and a label, too; a text passes piece by piece', async () => {
    const { model: own } = modelOf('good', 150);
    const { clock, model } = await open({ model: own, whenTooLong: { truncate: 'tail' } });
    const chunks = await resultIn(clock, model.chat(prompt({ text: words(300) }), { maxTokens: 20 }).pipe(toArray()));
    expect([textOf(chunks), chunks.at(-1)?.degraded]).toEqual(['good', ['truncated-tail']]);
    const label = await resultIn(clock, model.classify(prompt({ text: words(300) }), { labels: ['good', 'bad'] }));
    expect(label).toMatchObject({ label: 'good', degraded: ['truncated-tail'] });
  });

  it('is cut step by step where the model does not tell its room', async () => {
    const { model: own } = modelOf(good, 50);
    const silent: Model = { ...own, capabilities: { ...own.capabilities, contextTokens: undefined } };
    const { clock, model } = await open({ model: resourceOf(silent), whenTooLong: { truncate: 'tail', atLeast: 0.05 } });
    const found = await resultIn(clock, model.answer(prompt({ text: words(200) }), answer));
    expect(found).toMatchObject({ value: { mood: 'good' }, degraded: ['truncated-tail'] });
    expect(model.describe(0).numbers).toMatchObject({ calls_total: 1, too_long_total: 5, given_up_total: 0 });
  });

  it('is cut further where the back end adds what no count shows', async () => {
    const { model: own } = modelOf(good, 60);
    const { clock, model } = await open({ model: own, contextTokens: 70, whenTooLong: { truncate: 'tail' } });
    expect(await resultIn(clock, model.answer(prompt({ text: words(100) }), answer))).toMatchObject({ degraded: ['truncated-tail'] });
  });

  it.each<[string, Pick<AnsweringOptions, 'whenTooLong'>, ReturnType<typeof prompt> | string, number]>([
    ['less would be left than allowed', { whenTooLong: { truncate: 'tail', atLeast: 0.5 } }, prompt({ text: words(100) }), 50],
    ['the fixed text alone is too long', { whenTooLong: { truncate: 'tail' } }, prompt({ text: words(100) }), 12],
    ['nobody knows what of it is data', { whenTooLong: [{ truncate: 'tail' }, { summarise: {} }] }, words(100), 50],
  ])('fails as before where %s', async (_, ways, asked, contextTokens) => {
    const { model: own } = modelOf(good, contextTokens);
    const { clock, model } = await open({ model: own, ...ways });
    const scope = calmScope(clock);
    expect(await failureOf(resultIn(clock, model.answer(asked, answer), scope))).toMatchObject({ code: 'prompt_too_long' });
    expect([scope.degraded, model.describe(0).numbers?.['given_up_total']]).toEqual([[], 1]);
  });

  it('goes whole to another model where cutting does not help', async () => {
    const { model: own } = modelOf(good, 50);
    const { model: large, seen } = modelOf(good, 500, 'large');
    const { clock, model } = await open({ model: own, whenTooLong: [{ truncate: 'tail', atLeast: 0.9 }, { ask: large }] });
    const found = await resultIn(clock, model.answer(prompt({ text: words(100) }), answer));
    expect([found.model, found.degraded, seen[0]?.includes('w99')]).toEqual(['large', undefined, true]);
  });

  it('goes whole to another model, too, where it was cut in vain', async () => {
    const own = completeModel(fakeBackend([], {}, { chat: () => throwError(() => new InferenceError('prompt_too_long', 'no')) }));
    const { model: large, seen } = modelOf(good, 500, 'large');
    const { clock, model } = await open({ model: resourceOf(own), whenTooLong: [{ truncate: 'tail', atLeast: 0.01 }, { ask: large }] });
    const found = await resultIn(clock, model.answer(prompt({ text: words(100) }), answer));
    expect([found.model, found.degraded, seen[0]?.includes('w99')]).toEqual(['large', undefined, true]);
    expect(model.describe(0).numbers?.['too_long_total']).toBe(7); // as it was, and six cuts
  });

  it('leaves no mark of a text that fails in its middle', async () => {
    let calls = 0;
    const chat = () => {
      calls += 1;
      const error = new InferenceError(calls === 1 ? 'prompt_too_long' : 'model_failed', 'no');
      return concat(
        calls === 1 ? EMPTY : of({ text: 'a', index: 0 }),
        throwError(() => error),
      );
    };
    const { clock, model } = await open({
      model: resourceOf(completeModel(fakeBackend([], {}, { chat }))),
      whenTooLong: { truncate: 'tail' },
    });
    const scope = calmScope(clock);
    const marks: string[][] = [];
    const watched = model
      .chat(prompt({ text: words(100) }))
      .pipe(tap({ next: () => marks.push([...scope.degraded]), error: () => marks.push([...scope.degraded]) }));
    expect((await failureOf(resultIn(clock, watched, scope))).code).toBe('model_failed');
    expect(marks).toEqual([['truncated-tail'], []]);
  });

  it('takes no second cut for the mark of the first when the call is tried again', async () => {
    const { model: own } = modelOf(good, 50);
    const { clock, model } = await open({ model: own, whenTooLong: { truncate: 'tail' } });
    const scope = calmScope(clock);
    const running = within(scope, model.answer(prompt({ text: words(100) }), answer)).subscribe({ error: () => undefined });
    running.unsubscribe();
    expect(scope.degraded).toEqual([]);
    await resultIn(clock, model.answer(prompt({ text: words(100) }), answer), scope);
    expect(scope.degraded).toEqual(['truncated-tail']);
  });
});

describe('an answer that was cut off, refused or empty', () => {
  const cut: Said = { text: '{"mood":', finish: 'length' };
  const refused: Said = { text: '', finish: 'refused' };

  it.each<[string, Said, Omit<AnsweringOptions, 'model'>]>([
    ['cut off', cut, { whenCut: { maxTokens: 80 } }],
    ['cut off', cut, { whenCut: [{ maxTokens: 5 }, { ask: resourceOf(saying(good)) }] }],
    ['refused', refused, { whenRefused: { ask: resourceOf(saying(good)) } }],
    ['empty', ' ', { whenEmpty: { ask: resourceOf(saying(good)) } }],
  ])('is asked for again: %s', async (_, first, ways) => {
    const { clock, model } = await open({ model: resourceOf(saying(first, good)), ...ways });
    const scope = calmScope(clock);
    const found = await resultIn(clock, model.answer('hello', answer), scope);
    expect(found).toMatchObject({ value: { mood: 'good' }, usage: { inputTokens: 20, outputTokens: 6 } });
    expect([found.degraded, scope.degraded, scope.tries.repairs]).toEqual([undefined, [], 1]);
  });

  it('asks for a longer answer with what was asked for, but for its length', async () => {
    const backend = fakeBackend([cut, good]);
    const { clock, model } = await open({ model: resourceOf(completeModel(backend)), whenCut: { maxTokens: 80 } });
    await resultIn(clock, model.answer('hello', { ...answer, seed: 3 }));
    expect(backend.asked.map(({ options }) => [options.maxTokens, options.seed])).toEqual([
      [10, 3],
      [80, 3],
    ]);
  });

  it.each<[string, Said, Partial<AnsweringOptions>, string]>([
    ['cut off', cut, { whenRefused: { skip: null } }, 'answer_truncated'],
    ['refused', refused, { whenCut: { skip: null } }, 'answer_refused'],
    ['empty', ' ', { whenCut: { skip: null } }, 'answer_empty'],
    ['for which nothing is left', refused, { whenRefused: { ask: resourceOf(saying(refused)) } }, 'answer_refused'],
  ])('fails as before where nothing is said of it: %s', async (_, said, ways, code) => {
    const { clock, model } = await open({ model: resourceOf(saying(said)), ...ways });
    expect(await failureOf(resultIn(clock, model.answer('hello', answer)))).toMatchObject({ code });
  });

  it('is skipped with what stands in for it, marked', async () => {
    const { clock, model } = await open({
      model: resourceOf(saying(refused)),
      whenRefused: [{ skip: { mood: '?' } }, { skip: { mood: 'bad' } }],
    });
    const scope = calmScope(clock);
    expect(await resultIn(clock, model.answer('hello', answer), scope)).toEqual({
      value: { mood: 'bad' },
      usage: { inputTokens: 10, cachedTokens: 0, outputTokens: 3, totalTokens: 13 },
      model: 'fake',
      repairs: 0,
      degraded: ['skipped'],
    });
    expect(scope.degraded).toEqual(['skipped']);
  });

  it('is skipped for a label and a text, too, where it fits', async () => {
    const { clock, model } = await open({ model: resourceOf(saying(refused)), whenRefused: [{ skip: 'unknown' }] });
    const label = await resultIn(clock, model.classify('hello', { labels: ['good', 'unknown'] }));
    expect(label).toMatchObject({ label: 'unknown', confidence: 0, degraded: ['skipped'] });
    expect(await failureOf(resultIn(clock, model.classify('hello', { labels: ['good', 'bad'] })))).toMatchObject({
      code: 'answer_refused',
    });
    const chunks = await resultIn(clock, model.chat('hello').pipe(toArray()));
    expect(chunks).toMatchObject([{ text: 'unknown', finishReason: 'stop', usage: { inputTokens: 10 }, degraded: ['skipped'] }]);
  });

  it.each<[string, Said, Partial<AnsweringOptions>]>([
    ['length', { text: 'good mo', finish: 'length' }, { whenCut: { maxTokens: 80 } }],
    ['refused', { text: 'no', finish: 'refused' }, { whenRefused: { ask: resourceOf(saying('good mood')) } }],
    ['empty', ' ', { whenEmpty: { ask: resourceOf(saying('good mood')) } }],
  ])('makes a text again that ends so: %s', async (_, first, ways) => {
    const { clock, model } = await open({ model: resourceOf(saying(first, 'good mood')), ...ways });
    const chunks = await resultIn(clock, model.chat('hello', { maxTokens: 10 }).pipe(toArray()));
    expect([textOf(chunks), chunks.at(-1)?.usage?.inputTokens]).toEqual(['good mood', 20]);
  });

  it('passes on a text that nothing makes better, once, with its finish reason', async () => {
    const { clock, model } = await open({ model: resourceOf(saying({ text: 'ab', finish: 'length' })), whenCut: { maxTokens: 80 } });
    const chunks = await resultIn(clock, model.chat('hello', { maxTokens: 10 }).pipe(toArray()));
    expect([textOf(chunks), chunks.at(-1)]).toMatchObject(['ab', { finishReason: 'length', usage: { inputTokens: 20 } }]);
  });

  it('does not hold a text that nothing is said of', async () => {
    const own = scripted('one two three', { tokenMs: 10 });
    const { clock, model } = await open({ model: own, whenTooLong: { truncate: 'tail' } });
    const seen: string[] = [];
    within(calmScope(clock), model.chat('hello')).subscribe({
      next: ({ text }) => seen.push(text),
      error: (error: unknown) => seen.push(String(error)),
    });
    await clock.advance(5);
    expect(seen).toEqual(['one']);
  });
});

describe('answering', () => {
  it('leaves other failures to who is asked for them', async () => {
    const { clock, model } = await open({ model: resourceOf(saying('no JSON')), whenCut: { skip: { mood: 'bad' } } });
    expect(await failureOf(resultIn(clock, model.answer('hello', answer)))).toMatchObject({ code: 'answer_invalid' });
  });

  it('knows what of a prompt is data inside of a pool, too', async () => {
    const { model: own } = modelOf(good, 50);
    const clock = virtualClock();
    const inner = answering({ model: own, whenTooLong: { truncate: 'tail' } });
    const { value: model } = await route({ models: [inner] }).open(openContext(clock));
    expect(await resultIn(clock, model.answer(prompt({ text: words(100) }), answer))).toMatchObject({ degraded: ['truncated-tail'] });
  });

  it('goes around a pool, and keeps its metrics', async () => {
    const models: ScriptedModel[] = ['a', 'b'].map((name) => scripted(good, { name, capabilities: { contextTokens: 50 } }));
    const { clock, model } = await open({ model: route({ models }), whenTooLong: { truncate: 'tail' } });
    expect(await resultIn(clock, model.answer(prompt({ text: words(100) }), answer))).toMatchObject({ degraded: ['truncated-tail'] });
    expect(model.describe(0)).toMatchObject({ name: 'answering', kind: 'route', numbers: { open_models: 2, too_long_total: 1 } });
    expect(model.describe(0).parts).toHaveLength(2);
  });

  it('refuses options at the call', async () => {
    const { model } = await open({ model: scripted('x'), whenCut: { skip: 1 } });
    expect(() => model.chat('hello', { maxTokens: 0 })).toThrow(/maxTokens/);
    expect(() => model.answer('hello', { schema, repairs: -1 })).toThrow(/repairs/);
  });
});
