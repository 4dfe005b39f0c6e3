import { map, of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { InferenceError, StreamError } from '../../../src/errors.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { numbers, outcomes, rig, turn } from '../../helpers/engine-rig.ts';

describe('runBatch', () => {
  const batches = (sizes: number[], options: { readonly bad?: number; readonly most?: number; readonly ms?: number } = {}) => {
    const clock = virtualClock(1_000_000);
    const engine = parallel<number, number>({
      ...{ clock, maxWorkers: 1, batchSize: 8, attempts: 1, lengthOf: () => 1 },
      runBatch: (inputs) =>
        call(async (ctx) => {
          sizes.push(inputs.length);
          await sleep(clock, options.ms ?? 100, ctx.signal);
          if (inputs.length > (options.most ?? Infinity)) throw new StreamError('resource_exhausted', 'no memory for so many');
          if (options.bad !== undefined && inputs.includes(options.bad)) throw new InferenceError('model_rejected', 'a bad one');
          return inputs.map((one) => one * 2);
        }),
    });
    const until = turn(clock);
    onTestFinished(() => until(engine.close({ deadlineMs: 0 })));
    return { engine, clock, until };
  };

  it('makes one call for several', async () => {
    const sizes: number[] = [];
    const { engine, until } = batches(sizes);
    expect(outcomes(await until(engine.submit(numbers(24)).all()))).toEqual(numbers(24).map((one) => one * 2));
    expect(sizes).toEqual([8, 8, 8]);
  });

  it('a bad one fails alone', async () => {
    const { engine, until } = batches([], { bad: 5 });
    expect(outcomes(await until(engine.submit(numbers(16)).all()))).toEqual(
      numbers(16).map((one) => (one === 5 ? 'model_rejected' : one * 2)),
    );
  });

  it('one that is too much for the memory is cut in two until it is not', async () => {
    const sizes: number[] = [];
    const { engine, until } = batches(sizes, { most: 2 });
    expect(outcomes(await until(engine.submit(numbers(8)).all()))).toEqual(numbers(8).map((one) => one * 2));
    expect(sizes.toSorted((a, b) => b - a)).toEqual([8, 4, 4, 2, 2, 2, 2]);
  });

  it('is not called for tasks that were all cancelled while they waited', async () => {
    const sizes: number[] = [];
    const { engine, until, clock } = batches(sizes, { ms: 1_000 });
    const first = engine.submit(numbers(8));
    await clock.advance(300);
    const second = engine.submit(numbers(8));
    await clock.advance(300);
    second.cancel();
    await until(first.all());
    await until(engine.close());
    expect(sizes).toEqual([8]);
  });

  it('its call is aborted when all of it are cancelled, and not before', async () => {
    const { engine, until, clock } = batches([], { ms: 1_000 });
    const [a, b] = [engine.submit(numbers(4)), engine.submit(numbers(4))];
    await clock.advance(300);
    a.cancel();
    expect(outcomes(await until(b.all()))).toEqual([0, 2, 4, 6]);
    expect(outcomes(await until(a.all()))).toEqual(numbers(4).map(() => 'cancelled'));
  });

  it.each([[[1, 2]], ['none']])('%j for three tasks is no answer: they run alone', async (results) => {
    const clock = virtualClock(1_000_000);
    const engine = parallel<number, number>({
      clock,
      maxWorkers: 1,
      attempts: 1,
      runBatch: (inputs) => of(inputs.length > 1 ? (results as never) : inputs),
    });
    const until = turn(clock);
    expect(outcomes(await until(engine.submit([1, 2, 3]).all()))).toEqual([1, 2, 3]);
    await until(engine.close());
  });
});

describe('a model', () => {
  it('answers prompts', async () => {
    const clock = virtualClock(1_000_000);
    const model = scripted(({ text }) => ({ text: ` about ${text} `, latencyMs: 100 }));
    const engine = parallel({ clock, model, maxWorkers: 4, batchSize: 8 });
    const until = turn(clock);
    expect(await until(engine.submit(['a', 'b']).promise)).toEqual(['about a', 'about b']);
    await until(engine.close());
  });

  it('is missed where it is asked and was not given', async () => {
    const { engine, until } = rig<string, string>({
      maxWorkers: 1,
      attempts: 1,
      run:
        () =>
        (text, { model, ctx }) =>
          model.chat(text, {}, ctx).pipe(map((one) => one.text)),
    });
    const results = engine.submit(['a']);
    await expect(until(results.all())).rejects.toThrow('expected parallel({ model }), got none');
  });

  it.each([
    [{ run: () => of(1), runBatch: () => of([1]) }, 'contradict each other'],
    [{}, 'needs a model'],
    [{ run: () => of(1), workers: 2 }, 'has no option workers'],
    [{ run: () => of(1), maxWorkers: 0 }, 'maxWorkers'],
    [{ run: () => of(1), shares: { a: 0 } }, 'must be above 0'],
    [{ run: () => of(1), journal: 'x' }, 'needs journalKey'],
    [{ run: () => of(1), preempt: true, schedule: 'fifo' }, "needs schedule 'priority'"],
  ])('%o is refused', (options, message) => {
    expect(() => parallel(options as never)).toThrow(message);
  });
});
