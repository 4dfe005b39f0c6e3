import { mkdir, mkdtemp, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runFile, type RunFileOptions } from '../../../pipelines/parallel/run-file.ts';
import type { TaskLine } from '../../../pipelines/parallel/task-lines.ts';
import { taskOf } from '../../../pipelines/parallel/tasks-in.ts';
import { systemClock } from '../../../src/clock.ts';
import { InferenceError, OverloadError } from '../../../src/errors.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { numbers, turn } from '../../helpers/engine-rig.ts';

let out = '';
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'millrace-parallel-'));
  const folder = out;
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

const never = new AbortController().signal;

const lineOf = (text: string, given: Partial<TaskLine> = {}): TaskLine => ({
  ...{ text, number: 1, isRow: false, bytes: text.length + 1, ...given },
  where: `in.jsonl:${String(given.number ?? 1)}`,
});

async function* tasksOf(lines: readonly string[], prompt = '{text}') {
  for (const [i, line] of lines.entries()) {
    await Promise.resolve();
    yield taskOf(lineOf(line, { number: i + 1 }), i + 1, prompt);
  }
}

const work = (lines: readonly string[], given: Partial<RunFileOptions> & Pick<RunFileOptions, 'model'>, prompt?: string) =>
  runFile({
    ...{ tasks: tasksOf(lines, prompt), out, modelName: 'scripted', maxTokens: 16, workers: 2, timeoutMs: 5_000, attempts: 1 },
    ...{ clock: systemClock, log: silentLog, signal: never, ...given },
  });

const results = async (name = 'results.jsonl'): Promise<Record<string, unknown>[]> =>
  (await readFile(join(out, name), 'utf8'))
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .sort((a, b) => Number(a['index']) - Number(b['index']));

describe('taskOf', () => {
  it.each([
    ['plain text', '{text}?', { id: '7', input: 'plain text', asks: { prompt: 'plain text?' } }],
    ['{"id":"a","text":"x","n":[1]}', '{text} {n}', { id: 'a', input: { id: 'a', text: 'x', n: [1] }, asks: { prompt: 'x [1]' } }],
    ['"in quotes"', '{text}', { id: '7', input: 'in quotes', asks: { prompt: 'in quotes' } }],
    ['{broken', '{text}', { id: '7', input: '{broken', asks: { prompt: '{broken' } }],
    ['{"text":"{title}","title":"t"}', '{text}', { id: '7', input: { text: '{title}', title: 't' }, asks: { prompt: '{title}' } }],
  ])('%s', (line, prompt, expected) => {
    expect(taskOf(lineOf(line, { number: 9 }), 7, prompt)).toMatchObject({ ...expected, line: 9 });
  });

  it.each([
    ['{"text":"x"}', { prompt: 'x' }],
    ['"in quotes"', { prompt: 'in quotes' }],
    ['{broken', /^in\.jsonl:9: expected a line of JSON, got one that is none \(column 2\); mend the line, or leave it out$/],
    ['plain text', /^in\.jsonl:9: expected a line of JSON, got one that is none; /],
    ['{"text":"x"} {"text":"y"}', /expected a line of JSON/],
    ['5', /^in\.jsonl:9: expected an object with fields, or a text, got number$/],
    ['[1]', /got a list$/],
    ['null', /got null$/],
  ])('of rows alone, %s', (line, expected) => {
    const { asks } = taskOf(lineOf(line, { number: 9, isRow: true }), 7, '{text}');
    if (expected instanceof RegExp)
      expect(asks).toEqual({ code: 'unreadable_document', problem: expect.stringMatching(expected) as string });
    else expect(asks).toEqual(expected);
  });

  it('a row without a field is a problem of its own', () => {
    const asks = (prompt: string) => taskOf(lineOf('{"a":1}', { number: 3 }), 2, prompt).asks;
    expect(asks('{text}')).toEqual({
      code: 'schema_violation',
      problem: expect.stringContaining('in.jsonl:3: expected a field text') as string,
    });
    expect(asks('{constructor}')).toHaveProperty('problem');
  });
});

describe('runFile', () => {
  it('writes a result for each line, and a report', async () => {
    const model = scripted(({ text }) => `about ${text}`);
    const summary = await work(['a', '{"id":"r","text":"b"}', '{"title":"none"}'], { model });
    expect(summary).toEqual({ succeeded: 2, fromJournal: 0, failed: 1, isComplete: true, results: join(out, 'results.jsonl') });
    expect(await results()).toEqual([
      { index: 0, line: 1, id: '1', status: 'success', input: 'a', result: 'about a' },
      { index: 1, line: 2, id: 'r', status: 'success', input: { id: 'r', text: 'b' }, result: 'about b' },
      {
        ...{ index: 2, line: 3, id: '3' },
        status: 'error',
        input: { title: 'none' },
        error: { code: 'schema_violation', message: expect.stringContaining('field text') as string },
      },
    ]);
    expect((await stat(join(out, 'report.html'))).size).toBeGreaterThan(1_000);
  });

  it('never asks again what is finished, also when it was stopped; another question is asked', async () => {
    const lines = numbers(30).map((n) => `line ${String(n)}`);
    const stop = new AbortController();
    let calls = 0;
    const first = scripted(({ text }) => {
      if ((calls += 1) === 10) stop.abort();
      return { text, latencyMs: 1 };
    });
    const stopped = await work(lines, { model: first, signal: stop.signal });
    expect(stopped).toMatchObject({ isComplete: false, results: join(out, 'results.part.jsonl') });
    expect((await results('results.part.jsonl')).map(({ result }) => result)).toEqual(lines.slice(0, stopped.succeeded));
    expect(stopped.succeeded).toBe(first.stats.calls); // what was taken is finished
    const second = scripted(({ text }) => text);
    expect(await work(lines, { model: second })).toMatchObject({
      succeeded: 30,
      fromJournal: first.stats.calls,
      failed: 0,
      isComplete: true,
    });
    expect(first.stats.calls + second.stats.calls).toBe(30);
    expect((await results()).map(({ result }) => result)).toEqual(lines);
    const third = scripted(({ text }) => text);
    await work(lines, { model: third });
    expect(third.stats.calls).toBe(0);
    await work(lines.slice(0, 3), { model: third }, 'Again: {text}');
    expect(third.stats.calls).toBe(3);
  });

  it('the results of a complete run stay until there are others: not complete, or not begun, a run leaves them alone', async () => {
    await work(['a', 'b'], { model: scripted('x') });
    const stop = new AbortController();
    async function* idle() {
      yield taskOf(lineOf('c'), 1, '{text}');
      await new Promise(() => undefined); // as a pipe that is open, and says nothing
    }
    const asked = scripted(() => (setImmediate(() => stop.abort()), 'y'));
    expect(await work([], { model: asked, tasks: idle(), signal: stop.signal })).toMatchObject({ succeeded: 1, isComplete: false });
    const away = { ...scripted('x'), open: () => Promise.reject(new InferenceError('model_not_found', 'no such model')) };
    await expect(work(['a'], { model: away })).rejects.toThrow('no such model');
    expect((await results()).map(({ result }) => result)).toEqual(['x', 'x']);
  });

  it('results that cannot be written end it, with what helps; what was finished is kept', async () => {
    await mkdir(join(out, 'results.part.jsonl'));
    const model = scripted('x');
    await expect(work(['a'], { model })).rejects.toMatchObject({
      code: 'resource_failed',
      message: expect.stringMatching(
        /^cannot write .*results\.part\.jsonl: EISDIR.*make room, or mend it, and give the same command again/,
      ) as string,
    });
    await rmdir(join(out, 'results.part.jsonl'));
    await mkdir(join(out, 'results.jsonl'));
    await expect(work(['a'], { model })).rejects.toMatchObject({ code: 'resource_failed' });
    await rmdir(join(out, 'results.jsonl'));
    await work(['a'], { model });
    expect(model.stats.calls).toBe(1);
  });

  it('whoever comes second at one folder is told so, and touches nothing', async () => {
    const started = Promise.withResolvers<undefined>();
    const goOn = Promise.withResolvers<undefined>();
    async function* slowly() {
      yield taskOf(lineOf('a'), 1, '{text}');
      started.resolve(undefined);
      await goOn.promise;
      yield taskOf(lineOf('b'), 2, '{text}');
    }
    const first = work([], { model: scripted('x'), tasks: slowly() });
    await started.promise;
    const second = scripted('y');
    await expect(work(['a', 'b'], { model: second })).rejects.toMatchObject({ code: 'journal_in_use' });
    goOn.resolve(undefined);
    expect(await first).toMatchObject({ succeeded: 2, failed: 0, isComplete: true });
    expect((await results()).map(({ result }) => result)).toEqual(['x', 'x']);
    expect(second.stats.calls).toBe(0);
  });

  it('a model that goes away is not waited for without end; what was finished is kept', async () => {
    const clock = virtualClock(1_000_000);
    const down = scripted(({ text }) => {
      if (text === 'b') throw new OverloadError('full');
      return text;
    });
    const ended = work(['a', 'b', 'c', 'd'], { model: down, clock, modelPatienceMs: 60_000, workers: 1 });
    await expect(turn(clock)(ended)).rejects.toThrow('has not answered for 60 s');
    const up = scripted(({ text }) => text);
    expect(await work(['a', 'b', 'c', 'd'], { model: up })).toMatchObject({ succeeded: 4 });
    expect(up.stats.calls).toBe(3);
  });

  it('a model that fails for everything is no answer: the run ends, and says what the model said', async () => {
    const clock = virtualClock(1_000_000);
    const broken = scripted(() => {
      throw new InferenceError('model_failed', 'out of order');
    });
    const lines = Array.from({ length: 100 }, (_, n) => `line ${String(n)}`);
    const ended = work(lines, { model: broken, clock, modelPatienceMs: 60_000, workers: 1 });
    await expect(turn(clock)(ended)).rejects.toThrow(/has not answered for 60 s.*it said last: out of order/);
  });

  it('a prompt that is too long is asked with its fields cut, and says so', async () => {
    const asked: string[] = [];
    const small = scripted(({ text }) => (asked.push(text), 'ok'), { capabilities: { contextTokens: 100 } });
    const long = JSON.stringify({ title: 'T', text: 'word '.repeat(400) });
    expect(await work([long, '{"title":"T","text":"short"}'], { model: small }, 'Title {title}: {text} What is it?')).toMatchObject({
      succeeded: 2,
    });
    const [first, second] = await results();
    expect([first?.['degraded'], second?.['degraded']]).toEqual([['truncated-tail'], undefined]);
    expect(asked.findLast((text) => text.includes('word'))).toMatch(/^Title\nT\n:\n(word )+w?o?r?d? ?\[…\]\nWhat is it\?$/);
    expect(asked).toContain('Title T: short What is it?');
  });

  it('ends with what concerns all', async () => {
    const model = { ...scripted('x'), open: () => Promise.reject(new InferenceError('model_not_found', 'no such model')) };
    await expect(work(['a'], { model })).rejects.toThrow('no such model');
  });
});
