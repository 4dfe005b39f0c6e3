import { defer, firstValueFrom, map, of, reduce, throwError } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { InferenceError } from '../../../src/errors.ts';
import { definePrompt } from '../../../src/inference/define-prompt.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { numbers, outcomes, rig, taking, turn } from '../../helpers/engine-rig.ts';

import { tokenBudget } from '../../../src/policies/token-budget.ts';

/* What the page says is on by default, with the value that it says. */

describe('by default', () => {
  it('attempts: two, about 1 s apart', async () => {
    const atMs: number[] = [];
    const { engine, until } = rig<number, number>({
      maxWorkers: 1,
      run: (clock) => () => defer(() => (atMs.push(clock.nowMs()), throwError(() => new InferenceError('model_failed', 'down')))),
    });
    expect(outcomes(await until(engine.submit([0]).all()))).toEqual(['model_failed']);
    expect(atMs).toHaveLength(2);
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeLessThanOrEqual(1_010);
  });

  it('timeout of an attempt: 30 s', async () => {
    const { engine, until, clock } = rig({ maxWorkers: 1, attempts: 1, run: taking(3_600_000) });
    const startMs = clock.nowMs();
    expect(outcomes(await until(engine.submit([0]).all()))).toEqual(['call_timeout']);
    expect(clock.nowMs() - startMs).toBeCloseTo(30_000, -3);
  });

  it('breaker: after 5 failures of the service in a row nothing is asked for 0.5 to 1 s', async () => {
    const atMs: number[] = [];
    let isDown = true;
    const { engine, until } = rig<number, number>({
      ...{ maxWorkers: 1, attempts: 1, schedule: 'fifo' },
      run: (clock) => (input) =>
        defer(() => {
          atMs.push(clock.nowMs());
          if (atMs.length > 5) isDown = false;
          return isDown ? throwError(() => new InferenceError('model_failed', 'down')) : of(input);
        }),
    });
    expect(outcomes(await until(engine.submit(numbers(7)).all()))).toEqual([...numbers(4).map(() => 'model_failed'), 4, 5, 6]); // whose failure opens it waits, too
    expect((atMs[5] ?? 0) - (atMs[4] ?? 0)).toBeGreaterThanOrEqual(500);
    expect((atMs[4] ?? 0) - (atMs[0] ?? 0)).toBeLessThan(200);
  });

  it.each(['model_failed', 'call_timeout'] as const)(
    'breaker: tasks that always fail (%s), as many as workers and more, do not hold up the others',
    async (code) => {
      const asked = new Map<number, number>();
      const { engine, until } = rig<number, number>({
        ...{ maxWorkers: 2, schedule: 'fifo' },
        run: () => (input) =>
          defer(() => {
            asked.set(input, (asked.get(input) ?? 0) + 1);
            return input < 6 ? throwError(() => new InferenceError(code, 'always')) : of(input);
          }),
      });
      expect(outcomes(await until(engine.submit(numbers(8)).all()))).toEqual([...numbers(6).map(() => code), 6, 7]);
      expect(Math.max(...asked.values())).toBeLessThanOrEqual(3); // two attempts, and one that is forgiven
    },
  );

  it('breaker: a model that is away is waited for, however many probes that takes', async () => {
    let probes = 0;
    const { engine, until } = rig<number, number>({
      ...{ maxWorkers: 8, schedule: 'fifo' },
      run: () => (input) =>
        defer(() => ((probes += 1), probes < 30 ? throwError(() => new InferenceError('model_unavailable', 'nobody')) : of(input))),
    });
    expect(outcomes(await until(engine.submit(numbers(8)).all()))).toEqual(numbers(8));
  });

  it('answers of a model: one that is refused or empty is an error, one that ends at its length is a result', async () => {
    const says = {
      refused: { text: 'I can', finishReason: 'refused' },
      blank: ' \n',
      cut: { text: 'half of', finishReason: 'length' },
    } as const;
    await using engine = parallel({ model: scripted(({ text }) => says[text as keyof typeof says]), attempts: 1, maxWorkers: 1 });
    const ended = await engine.submit(Object.keys(says)).all();
    expect(outcomes(ended)).toEqual(['answer_refused', 'answer_empty', 'half of']);
  });

  it('token bucket: so many starts at once, and then as many a second', async () => {
    const atMs: number[] = [];
    const { engine, until } = rig<number, number>({
      ...{ maxWorkers: 64, ratePerSecond: 10 },
      run: (clock) => (input) => defer(() => (atMs.push(clock.nowMs()), of(input))),
    });
    await until(engine.submit(numbers(30)).all());
    const startMs = atMs[0] ?? 0;
    const within = (ms: number): number => atMs.filter((one) => one - startMs <= ms).length;
    expect(within(50)).toBe(10);
    expect(within(1_050)).toBeLessThanOrEqual(21);
    expect((atMs.at(-1) ?? 0) - startMs).toBeGreaterThan(1_900);
  });

  it.each([
    [undefined, 'truncated-tail', 'ABC'],
    ['head', 'truncated-head', 'XYZ'],
  ] as const)('shorter prompt (%s): data that is too long is cut, and its result says %s', async (shorten, step, stays) => {
    const about = definePrompt<string>({ name: 'about', version: '1', slots: 'bare', user: ['What is it?', (text) => text] });
    const asked: string[] = [];
    const clock = virtualClock(1_000_000);
    const model = scripted(({ text }) => (asked.push(text), 'ok'), { capabilities: { contextTokens: 100 } });
    const engine = parallel({ clock, model, ask: { maxTokens: 10 }, ...(shorten && { shorten }) });
    const until = turn(clock);
    const [long, short] = await until(engine.submit([about(`ABC ${'word '.repeat(300)} XYZ`), about('a stone')]).all());
    expect(long).toMatchObject({ status: 'success', degraded: [step] });
    expect(short).toMatchObject({ status: 'success', degraded: [] });
    expect(model.stats.calls).toBe(3); // refused, cut, and the short one
    const cut = asked.findLast((text) => text.includes('word')) ?? '';
    expect(cut.startsWith('What is it?')).toBe(true);
    expect(cut).toContain(stays);
    await until(engine.close());
  });

  it("a prompt that is plain text is nobody's to cut, and with shorten false nothing is", async () => {
    const about = definePrompt<string>({ name: 'about', version: '1', slots: 'bare', user: [(text) => text] });
    const clock = virtualClock(1_000_000);
    const model = scripted('ok', { capabilities: { contextTokens: 100 } });
    const until = turn(clock);
    for (const [shorten, prompt] of [
      ['tail', 'word '.repeat(300)],
      [false, about('word '.repeat(300))],
    ] as const) {
      const engine = parallel({ clock, model, ask: { maxTokens: 10 }, shorten });
      expect(outcomes(await until(engine.submit([prompt]).all()))).toEqual(['prompt_too_long']);
      await until(engine.close());
    }
    expect(() => parallel({ model, shorten: 'middle' } as never)).toThrow('parallel.shorten');
  });

  it('order of degradation: shorter prompt first, then the attempts, then the fallback', async () => {
    const about = definePrompt<string>({ name: 'about', version: '1', slots: 'bare', user: [(text) => text] });
    const down = ({ text }: { readonly text: string }): string => {
      if (text.length > 1_000) return 'too long';
      throw new InferenceError('model_failed', 'down');
    };
    const model = scripted(down, { capabilities: { contextTokens: 100 } });
    const { engine, until } = rig<string, string>({
      ...{ maxWorkers: 1, model, fallback: () => of('instead') },
      run: () => (text, work) => work.model.chat(about(text), { maxTokens: 10 }, work.ctx).pipe(reduce((all, one) => all + one.text, '')),
    });
    const [one] = await until(engine.submit(['word '.repeat(300)]).all());
    expect(model.stats.calls).toBe(4);
    expect(one).toMatchObject({ status: 'success', result: 'instead' });
    expect(one?.status === 'success' && one.degraded.at(-1)).toBe('fallback');
  });
});

describe('a transport that is given', () => {
  it('is shared by engines that know nothing of each other: each task is done once, failures too', async () => {
    const transport = memory({ clock: systemClock, partitions: 1 });
    const done: string[] = [];
    const engines = ['a', 'b'].map((name) =>
      parallel<number, string>({
        ...{ transport, topicPrefix: 'test.', maxWorkers: 4, attempts: 1 },
        run: (n) =>
          of(n).pipe(
            map(() => {
              if (n === 3) throw new InferenceError('model_rejected', name);
              done.push(name + String(n));
              return name + String(n);
            }),
          ),
      }),
    );
    onTestFinished(async () => {
      for (const one of engines) await one.close({ deadlineMs: 0 });
      await transport.close();
    });
    const [a, b] = await Promise.all(engines.map((one) => one.submit(numbers(6)).all()));
    expect(outcomes(a ?? [])).toEqual(['a0', 'a1', 'a2', 'model_rejected', 'a4', 'a5']);
    expect(outcomes(b ?? [])).toEqual(['b0', 'b1', 'b2', 'model_rejected', 'b4', 'b5']);
    expect(done).toHaveLength(10);
    expect(new Set(done).size).toBe(10);
    const third = parallel<number, number>({ transport, topicPrefix: 'test.', run: (n) => of(n) });
    onTestFinished(() => third.close({ deadlineMs: 0 }));
    expect(outcomes(await third.submit([7]).all())).toEqual([7]); // behind what others left
  });

  it.each(['a b', 'x'.repeat(201)])('topicPrefix %s is refused', (topicPrefix) => {
    expect(() => parallel({ run: taking(1), topicPrefix } as never)).toThrow('parallel.topicPrefix');
  });
});

describe('a budget', () => {
  const prompts = numbers(6).map((n) => [{ role: 'user' as const, content: `${String(n)} ${'word '.repeat(50)}` }]);
  const budgeted = async (more: { readonly batchSize?: number } = {}) => {
    const { value: model } = await scripted('ok').open({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });
    const most = await firstValueFrom(model.estimate(prompts[0] ?? ''));
    const clock = virtualClock(1_000_000);
    const atMs: number[] = [];
    const budget = tokenBudget({ tokensPerMinute: Math.ceil(3.5 * most) });
    const note = (): void => void atMs.push(clock.nowMs() - 1_000_000);
    const options = { clock, model, budget, maxWorkers: 6, timeoutMs: 3_600_000 };
    const engine =
      more.batchSize === undefined
        ? parallel<(typeof prompts)[number], string>({ ...options, run: () => defer(() => (note(), of('ok'))) })
        : parallel<(typeof prompts)[number], string>({
            ...{ ...options, ...more },
            runBatch: (inputs) => defer(() => (note(), of(inputs.map(() => 'ok')))),
          });
    const until = turn(clock);
    onTestFinished(() => until(engine.close({ deadlineMs: 0 })));
    return { engine, until, atMs };
  };

  it('of tokens: what is beyond it waits for the next minute', async () => {
    const { engine, until, atMs } = await budgeted();
    expect(outcomes(await until(engine.submit(prompts).all()))).toEqual(prompts.map(() => 'ok'));
    expect([atMs.filter((ms) => ms < 10_000).length, atMs.filter((ms) => ms >= 60_000).length]).toEqual([3, 3]);
  });

  it('of tokens counts each prompt of a batch', async () => {
    const { engine, until, atMs } = await budgeted({ batchSize: 3 });
    expect(outcomes(await until(engine.submit(prompts).all()))).toEqual(prompts.map(() => 'ok'));
    expect(atMs.map((ms) => ms >= 60_000)).toEqual([false, true]);
  });

  it('without a model is refused: nobody would count', () => {
    expect(() => parallel<string, string>({ budget: tokenBudget({ tokensPerMinute: 1 }), run: () => of('x') })).toThrow(
      'parallel.budget needs model',
    );
  });
});
