import { type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { currentScope, inScope } from '../../../src/call.ts';
import { isStreamError } from '../../../src/errors.ts';
import type { ScriptedFault } from '../../../src/inference/scripted/fault.ts';
import { scripted, type ScriptedOptions } from '../../../src/inference/scripted/scripted.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';
import { allOf, resultOf } from '../../helpers/result-of.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = virtualClock(1_000);
});
afterEach(async () => {
  // every timer of every test has been used or taken back, but for those of calls that are left running on purpose
  await clock.runUntilIdle();
});

/** Subscribes in the virtual clock's scope and notes what happens when, from the start. */
const watch = <T>(call: Observable<T>) => {
  const seen: (readonly [ms: number, what: unknown])[] = [];
  const startMs = clock.nowMs();
  const note = (what: unknown): void => {
    seen.push([clock.nowMs() - startMs, what]);
  };
  const subscription = inScope({ ...currentScope(), clock }, () =>
    call.subscribe({
      next: note,
      error: (error: unknown) => {
        note(isStreamError(error) ? error.code : error);
      },
      complete: () => {
        note('complete');
      },
    }),
  );
  return { seen, subscription };
};

describe('scripted', () => {
  it('says its tokens by the clock, and ends with usage and finish reason', async () => {
    const { seen } = watch(scripted('one two', { latencyMs: 100, tokenMs: 10 }).chat('a b c'));
    await clock.advance(500);
    expect(seen).toEqual([
      [100, { text: 'one', tokenCount: 1, index: 0 }],
      [110, { text: ' two', tokenCount: 1, index: 1 }],
      [
        110,
        {
          text: '',
          tokenCount: 0,
          index: 2,
          usage: { inputTokens: 3, cachedTokens: 0, outputTokens: 2, totalTokens: 5 },
          finishReason: 'stop',
          model: 'scripted',
          timings: { firstTokenMs: 100, totalMs: 110 },
        },
      ],
      [110, 'complete'],
    ]);
  });

  it('answers by rule, in order of the calls with one prompt, and by function', async () => {
    const rules = scripted([
      { prompt: 'exact', says: ['first', { text: 'second' }] },
      { prompt: /^like/g, says: 'pattern' },
    ]);
    const text = async (call: Observable<{ text: string }>): Promise<string> => (await allOf(call)).map((chunk) => chunk.text).join('');
    expect(await text(rules.chat('exact'))).toBe('first');
    expect(await text(rules.chat('like this'))).toBe('pattern');
    expect(await text(rules.chat('like this'))).toBe('pattern'); // a global pattern keeps no state
    expect(await text(rules.chat('exact'))).toBe('second');
    expect(await text(rules.chat('exact'))).toBe('second');
    await expect(text(rules.chat('other'))).rejects.toMatchObject({ code: 'model_rejected' });
    expect(await text(scripted(({ text: asked, nth }) => `${asked} ${String(nth)}`).chat('x'))).toBe('x 1');
    expect(rules.stats.callsOf('exact')).toBe(3);
    expect([...rules.stats.repeated()]).toEqual([
      ['exact', 3],
      ['like this', 2],
    ]);
  });

  it('fails a call whose script throws, and goes on counting', async () => {
    const model = scripted(() => {
      throw new Error('script');
    });
    await expect(resultOf(model.chat('x'))).rejects.toThrow('script');
    expect(model.stats).toMatchObject({ calls: 1, running: 0 });
  });

  it('is cold, counts what runs at once, and takes its timer back', async () => {
    const model = scripted('x', { latencyMs: 100 });
    const call = model.chat('p');
    expect(model.stats.calls).toBe(0);
    const [first] = [watch(call), watch(call), watch(call)];
    expect(model.stats).toMatchObject({ calls: 3, running: 3, maxRunning: 3, aborted: 0 });
    first.subscription.unsubscribe();
    expect(model.stats).toMatchObject({ running: 2, aborted: 1 });
    await clock.advance(100);
    expect(model.stats).toMatchObject({ calls: 3, running: 0, maxRunning: 3, completed: 2, aborted: 1, failed: 0 });
    expect(first.seen).toEqual([]);
  });

  it('leaves no timer behind when it is left', () => {
    let timers = 0;
    const counting = {
      nowMs: () => 0,
      schedule: () => {
        timers += 1;
        return () => {
          timers -= 1;
        };
      },
    };
    const call = scripted('x', { latencyMs: 100 }).chat('p');
    const subscription = inScope({ ...currentScope(), clock: counting }, () => call.subscribe({ error: () => undefined }));
    expect(timers).toBe(1);
    subscription.unsubscribe();
    expect(timers).toBe(0);
  });

  it('says nothing more once it is left between two tokens', async () => {
    const { seen, subscription } = watch(scripted('one two three').chat('p'));
    await Promise.resolve();
    subscription.unsubscribe();
    await clock.advance(10);
    expect(seen).toHaveLength(1);
  });

  const faults: [ScriptedFault, (readonly [number, unknown])[]][] = [
    [{ kind: 'overload', retryAfterMs: 5 }, [[100, 'overloaded']]],
    [{ kind: 'status', status: 500 }, [[100, 'model_failed']]],
    [{ kind: 'status', status: 401 }, [[100, 'model_unauthorized']]],
    [{ kind: 'status', status: 422 }, [[100, 'model_rejected']]],
    [{ kind: 'crash' }, [[100, 'model_crashed']]],
    [{ kind: 'hang' }, []],
    [
      { kind: 'cut' },
      [
        [100, { text: 'one', tokenCount: 1, index: 0 }],
        [110, 'model_failed'],
      ],
    ],
  ];
  it.each(faults)('goes wrong as told: %j', async (fault, expected) => {
    const model = scripted('one two', { latencyMs: 100, tokenMs: 10, faults: [{ share: 1, fault }] });
    const { seen, subscription } = watch(model.chat('p'));
    await clock.advance(10_000);
    expect(seen).toEqual(expected);
    subscription.unsubscribe();
    expect(model.stats.running).toBe(0);
  });

  it('names status and Retry-After of an overload', async () => {
    const model = scripted('x', { faults: [{ share: 1, fault: { kind: 'overload', status: 529, retryAfterMs: 1234 } }] });
    await expect(resultOf(model.chat('p'))).rejects.toMatchObject({ grade: 'overload', status: 529, retryAfterMs: 1234 });
    await expect(resultOf(model.embed(['p']))).rejects.toMatchObject({ grade: 'overload' });
  });

  it('drips, and breaks JSON in a way that a repair can mend', async () => {
    const drip = watch(scripted('a b c', { faults: [{ share: 1, fault: { kind: 'drip', tokenMs: 1_000 } }] }).chat('p'));
    await clock.advance(5_000);
    expect(drip.seen.at(-1)).toEqual([2_000, 'complete']);
    const model = scripted(({ turns }) => ({ text: '{"ok":true}', ...(turns.length === 1 ? { fault: { kind: 'bad-json' } } : {}) }));
    const answer = await resultOf(model.answer('p', { schema: z.object({ ok: z.boolean() }), repairs: 1 }));
    expect(answer).toMatchObject({ value: { ok: true }, repairs: 1 });
  });

  it('repeats itself by seed, whatever the order of the calls', async () => {
    const options: ScriptedOptions = { latencyMs: { min: 10, max: 1_000 }, faults: [{ share: 0.3, fault: { kind: 'crash' } }] };
    const run = async (seed: number, prompts: readonly string[]): Promise<Record<string, unknown>> => {
      const model = scripted('x', { ...options, seed });
      const all = prompts.map((prompt) => [prompt, watch(model.chat(prompt))] as const);
      await clock.advance(1_000);
      return Object.fromEntries(all.map(([prompt, { seen }]) => [prompt, seen]));
    };
    const prompts = Array.from({ length: 60 }, (_, n) => `p${String(n)}`);
    const first = await run(7, prompts);
    expect(await run(7, prompts.toReversed())).toEqual(first);
    expect(await run(8, prompts)).not.toEqual(first);
    const failed = Object.values(first).filter((seen) => JSON.stringify(seen).includes('model_crashed')).length;
    expect(failed).toBeGreaterThan(8);
    expect(failed).toBeLessThan(30);
  });

  it('obeys maxTokens, stop strings and its context', async () => {
    const model = scripted('one two three', { capabilities: { contextTokens: 20 } });
    expect(await resultOf(model.chat('p', { maxTokens: 2 }))).toMatchObject({ finishReason: 'length', usage: { outputTokens: 2 } });
    expect(await resultOf(model.chat('p', { maxTokens: 9, stop: [' three', ' two'] }))).toMatchObject({
      finishReason: 'stop',
      usage: { outputTokens: 1 },
    });
    await expect(resultOf(model.chat('p', { maxTokens: 20 }))).rejects.toMatchObject({ code: 'prompt_too_long' });
  });

  it('classifies by given log-probabilities or by its answer, and embeds texts that share words nearby', async () => {
    const seen = scripted('x', { labels: ({ text }, labels) => labels.map((label) => (text.includes(label) ? -0.1 : -3)) });
    expect(await resultOf(seen.classify('it is bad', { labels: ['good', 'bad'] }))).toMatchObject({ label: 'bad' });
    expect(await resultOf(scripted('{"label":"good"}').classify('p', { labels: ['good', 'bad'] }))).toMatchObject({
      label: 'good',
      confidence: 1,
    });
    const [a, b, c] = await resultOf(seen.embed(['the sound is great', 'great sound', 'broken screen']));
    const near = (x?: Float32Array, y?: Float32Array): number =>
      (x ?? new Float32Array()).reduce((sum, one, at) => sum + one * (y?.[at] ?? 0), 0);
    expect(near(a?.vector, a?.vector)).toBeCloseTo(1);
    expect(near(a?.vector, b?.vector)).toBeGreaterThan(near(a?.vector, c?.vector));
  });

  it('is a resource whose model shares its counts', async () => {
    const model = scripted('x', { name: 'mine' });
    const { value, close } = await model.open({ clock, signal: new AbortController().signal, log: () => undefined });
    await resultOf(value.chat('p'));
    await close();
    expect([model.name, value.name, model.stats.calls]).toEqual(['mine', 'mine', 1]);
  });

  it('remembers a bounded number of prompts', async () => {
    const model = scripted('x', { rememberPrompts: 2 });
    for (const prompt of ['a', 'b', 'c']) await resultOf(model.chat(prompt));
    expect(['a', 'b', 'c'].map((prompt) => model.stats.callsOf(prompt))).toEqual([0, 1, 1]);
  });

  it.each<[ScriptedOptions, RegExp]>([
    [{ latencyMs: -1 }, /latencyMs/],
    [{ latencyMs: { min: 5, max: 4 } }, /latencyMs\.max/],
    [{ tokenMs: Number.NaN }, /tokenMs/],
    [{ seed: 0.5 }, /seed/],
    [
      {
        faults: [
          { share: 0.6, fault: { kind: 'hang' } },
          { share: 0.6, fault: { kind: 'hang' } },
        ],
      },
      /shares/,
    ],
  ])('refuses %j', (options, message) => {
    expect(() => scripted('x', options)).toThrow(message);
  });
});
