import { readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTask } from '../../../pipelines/documents/tasks/parse-task.ts';
import { InferenceError, OverloadError } from '../../../src/errors.ts';
import { type ScriptedModel, scripted } from '../../../src/inference/scripted/scripted.ts';
import { systemClock } from '../../../src/clock.ts';
import { journal } from '../../../src/journal/journal.ts';
import { folder, linesIn, run } from './trouble-scene.ts';

const embed = await parseTask('embed', { vote: 'weighted', slots: 'bare' });

const many = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${String(n).padStart(3, '0')}.txt`, `document ${String(n)}`]));

/** Answers, but for the seconds from `from` to `to` after its first call. */
function awayBetween(from: number, to: number): ScriptedModel {
  let firstMs: number | undefined;
  return scripted(
    ({ nowMs }) => {
      const seconds = (nowMs - (firstMs ??= nowMs)) / 1000;
      if (seconds >= from && seconds < to) throw new InferenceError('model_unavailable', 'connect ECONNREFUSED');
      return 'short';
    },
    { latencyMs: 1_000 },
  );
}

describe('a model that is away', () => {
  it.each([
    ['at the start', 0, 40],
    ['midway', 3, 60],
  ])('%s is waited for, and no document fails for it', async (_when, from, to) => {
    const told = new Set<string>();
    const onWaits = (waits: readonly string[]): void => waits.forEach((one) => told.add(one));
    const { summary, lines, seconds } = await run(awayBetween(from, to), many(20), { onWaits });
    expect([...told].join()).toMatch(/^scripted does not answer: given up at \d\d:/);
    expect(summary).toMatchObject({ success: 20, error: 0 });
    expect(lines.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'success'));
    expect(seconds).toBeGreaterThan(from === 0 ? 0 : to - from);
  });

  it('and stays away ends the run, which goes on where it was when it is back', async () => {
    let calls = 0;
    const leaving = scripted(() => {
      calls += 1;
      if (calls > 8) throw new InferenceError('model_unavailable', 'connect ECONNREFUSED');
      return 'short';
    });
    const first = await run(leaving, many(20));
    expect(first.error).toMatchObject({ code: 'model_unavailable', message: expect.stringContaining('for 300 s') as string });
    const finished = first.lines.length;
    expect(finished).toBe(8);
    const used = awayBetween(0, 0);
    const input = many(20);
    const again = await run(used, input, { out: first.out });
    expect(again.summary).toMatchObject({ success: 20, fromJournal: finished });
    expect(used.stats.calls).toBe(20 - finished);
  });
});

describe('a model that asks for less', () => {
  it('is waited for as long as it asks, which is told, and summed up', async () => {
    const told = new Set<string>();
    let firstMs: number | undefined;
    const used = scripted(({ nowMs }) => {
      if (nowMs < (firstMs ??= nowMs) + 240_000) throw new OverloadError('429', { retryAfterMs: 60_000 });
      return 'short';
    });
    const onWaits = (waits: readonly string[]): void => waits.forEach((one) => told.add(one));
    const { summary } = await run(used, many(1), { onWaits });
    expect([...told][0]).toMatch(/^waits until \d\d:\d\d:\d\d: the called service asks for less \(overload\)$/);
    expect(told.size).toBeGreaterThan(2); // another time each
    expect(summary).toMatchObject({ success: 1, error: 0, waits: [{ reason: 'the called service asks for less (overload)' }] });
    expect(summary?.waits[0]?.ms).toBeGreaterThan(230_000);
  });
});

describe('a call that fails', () => {
  const long = { 'a.txt': 'word '.repeat(40) };
  const refuse = (code: 'prompt_too_long' | 'model_rejected' | 'resource_exhausted') => new InferenceError(code, 'no');

  it('for the length of its text is made with half of it, and says so', async () => {
    const used = scripted(({ text }) => {
      if (text.length > 200) throw refuse('prompt_too_long');
      return 'short';
    });
    const { lines } = await run(used, long);
    expect(lines).toMatchObject([{ status: 'success', degraded: ['shorter-prompt'] }]);
  });

  it('since there was too much at once is made again, alone', async () => {
    let calls = 0;
    const used = scripted(() => {
      calls += 1;
      if (calls <= 2) throw refuse('resource_exhausted');
      return 'short';
    });
    const { lines } = await run(used, { 'a.txt': 'one' });
    expect(lines).toMatchObject([{ status: 'success', degraded: ['smaller-batch'] }]);
  });

  it('for another reason goes to the other model; what that has answered is not asked again', async () => {
    const used = scripted(() => {
      throw refuse('model_rejected');
    });
    const spare = scripted(() => 'by the other', { name: 'spare' });
    const more = { fallback: { name: 'spare', resource: spare } };
    const first = await run(used, many(3), more);
    expect(first.lines).toMatchObject(Array.from({ length: 3 }, () => ({ status: 'success', degraded: ['fallback-model'] })));
    const again = await run(used, many(3), { ...more, out: first.out });
    expect(again.summary).toMatchObject({ calls: 0, fromJournal: 3 });
    expect(again.lines).toMatchObject([{ degraded: ['fallback-model'] }, {}, {}]);
  });

  it('is made alone, then with half of the text, then a quarter, then by the other model, and told when that fails, too', async () => {
    const asked: string[] = [];
    const failing = (name: string): ScriptedModel =>
      scripted(
        ({ text }) => {
          asked.push(`${name} ${String(text.match(/word/g)?.length ?? 0)}`);
          throw refuse('resource_exhausted');
        },
        { name },
      );
    const more = { attempts: 1, fallback: { name: 'spare', resource: failing('spare') } };
    const { lines } = await run(failing('first'), long, more);
    expect(asked).toEqual(['first 40', 'first 40', 'first 20', 'first 10', 'spare 40']);
    expect(lines).toMatchObject([{ status: 'error', error: { code: 'resource_exhausted' } }]);
  });

  it('for a vector never goes to another model, whose vectors are of another space', async () => {
    const used = scripted('', { faults: [{ share: 1, fault: { kind: 'status', status: 400 } }] });
    const spare = scripted('', { name: 'spare' });
    const { lines } = await run(used, { 'a.txt': 'one' }, { tasks: [embed], fallback: { name: 'spare', resource: spare } });
    expect(lines).toMatchObject([{ status: 'error', error: { code: 'model_rejected' } }]);
    expect(spare.stats.calls).toBe(0);
  });

  it('leaves a partial answer, where other chunks have theirs, and is made again by the next run', async () => {
    let isWell = false;
    const used = scripted(({ text }) => {
      if (text.includes('poison') && !isWell) throw refuse('model_rejected');
      return 'short';
    });
    const files = { 'a.txt': `${'good '.repeat(30)}\n\n${'poison '.repeat(4)}` };
    const more = { chunkTokens: 32 };
    const first = await run(used, files, more);
    expect(first.summary).toMatchObject({ success: 1, partial: 1, error: 0 });
    expect(first.lines[0]?.partial).toMatchObject([{ task: 'summarize', chunks: 1, of: expect.any(Number) as number }]);
    isWell = true;
    const again = await run(used, files, { ...more, out: first.out });
    expect(again.summary).toMatchObject({ success: 1, partial: 0 });
  });

  it('while summaries are reduced leaves them one below the other, marked as partial, and is made again by the next run', async () => {
    let isWell = false;
    const used = scripted(({ text }) => {
      if (text.includes('summaries of the parts') && !isWell) throw refuse('model_rejected');
      return isWell ? 'of all' : 'of a part';
    });
    const files = { 'a.txt': 'good '.repeat(60) };
    const more = { chunkTokens: 32 };
    const first = await run(used, files, more);
    const chunks = used.stats.calls - 1;
    expect(first.summary).toMatchObject({ success: 1, partial: 1 });
    expect(first.lines[0]).toMatchObject({
      result: { summarize: Array.from({ length: chunks }, () => 'of a part').join('\n\n') },
      partial: [{ task: 'summarize', step: 'summarize/reduce', chunks: 0, of: chunks, error: { code: 'model_rejected' } }],
    });
    isWell = true;
    const again = await run(used, files, { ...more, out: first.out });
    expect(again.lines[0]).toMatchObject({ result: { summarize: 'of all' } });
    expect(again.summary).toMatchObject({ partial: 0, calls: 1, fromJournal: chunks });
  });

  it('since it hangs fails its document alone, after its attempts', async () => {
    const used = scripted(({ text }) => (text.includes('hang') ? { fault: { kind: 'hang' } } : 'short'));
    const { summary, lines } = await run(used, { ...many(6), '003.txt': 'hang '.repeat(40) });
    expect(summary).toMatchObject({ success: 5, error: 1 });
    expect(lines[3]).toMatchObject({ status: 'error', error: { code: 'call_timeout' } });
  });
});

describe('a run that is ended', () => {
  it('by a disk that is full says what to do; what is finished is not asked again', async () => {
    const out = await folder();
    await symlink('/dev/full', join(out, 'results.part.jsonl'));
    const world = { isWell: false, answers: 0 };
    const used = scripted(({ text }) => {
      if (text.includes('hang') && !world.isWell) return { fault: { kind: 'hang' } };
      world.answers += 1;
      return 'short';
    });
    const files = { ...many(5), '004.txt': 'hang' };
    const first = await run(used, files, { out, timeoutMs: 3_600_000 }, 1);
    const kept = world.answers;
    world.isWell = true;
    expect(first.error).toMatchObject({ code: 'resource_failed', message: expect.stringContaining('make room') as string });
    expect(first.seconds).toBeLessThan(15); // it does not wait for what hangs, as an end by a signal would
    await rm(join(out, 'results.part.jsonl'));
    const again = await run(used, files, { out });
    expect(again.summary).toMatchObject({ success: 5, fromJournal: kept, calls: 5 - kept });
  });

  it('by a signal finishes what is in flight, and goes on with the next', async () => {
    const controller = new AbortController();
    const used = awayBetween(0, 0);
    let answers = 0;
    const onAnswer = (): void => {
      answers += 1;
      if (answers === 4) controller.abort();
    };
    const first = await run(used, many(30), { signal: controller.signal, onAnswer });
    expect(first.summary).toMatchObject({ isComplete: false, error: 0, results: join(first.out, 'results.part.jsonl') });
    expect(await readdir(first.out)).toEqual(['journal', 'results.part.jsonl']);
    expect(first.lines.length).toBe(first.summary?.success);
    expect(used.stats.aborted).toBe(0);
    const again = await run(used, many(30), { out: first.out });
    expect(again.summary).toMatchObject({ isComplete: true, success: 30 });
    expect(await readdir(first.out)).toEqual(['journal', 'merged.json', 'results.jsonl']);
    expect(used.stats.calls).toBe(30);
  });

  it('before its end leaves the answers of an earlier, complete run as they are', async () => {
    const first = await run(awayBetween(0, 0), many(3));
    const gone = scripted(() => {
      throw new InferenceError('model_unavailable', 'connect ECONNREFUSED');
    });
    const second = await run(gone, { ...many(3), '000.txt': 'changed' }, { out: first.out });
    expect(second.error).toMatchObject({ code: 'model_unavailable' });
    expect(await linesIn(first.out)).toEqual(first.lines);
  });

  it('by a second one on the same folder is told, and disturbs nobody', async () => {
    const out = await folder({ 'results.jsonl': 'answers', 'results.part.jsonl': 'answers so far' });
    const held = await journal({ dir: join(out, 'journal'), exclusive: true }).open({
      clock: systemClock,
      signal: new AbortController().signal,
      log: () => undefined,
    });
    const second = await run(
      scripted(() => 'short'),
      many(1),
      { out },
    );
    expect(second.error).toMatchObject({ cause: { code: 'journal_in_use' } });
    expect(await readFile(join(out, 'results.jsonl'), 'utf8')).toBe('answers');
    expect(await readFile(join(out, 'results.part.jsonl'), 'utf8')).toBe('answers so far');
    await held.close();
  });
});
