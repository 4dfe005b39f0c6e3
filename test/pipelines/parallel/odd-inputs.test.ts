import { of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parallel, type RunOptions } from '../../../pipelines/parallel/index.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { numbers, outcomes, rig, taking, turn } from '../../helpers/engine-rig.ts';

describe('inputs that behave oddly', () => {
  it('tasks that end as they are taken are all taken, also those of an input that computes for long', async () => {
    const clock = virtualClock(1_000_000);
    const until = turn(clock);
    let computedMs = 0;
    const late = { ...clock, nowMs: () => clock.nowMs() + computedMs };
    const engine = parallel({ clock: late, run: taking(10)(clock) });
    onTestFinished(() => until(engine.close({ deadlineMs: 0 })));
    function* slow() {
      for (let n = 0; n < 20; n += 1) {
        computedMs += 3; // of the 5 ms that are taken for at once
        yield n;
      }
    }
    expect(outcomes(await until(engine.submit(slow(), { deadlineMs: 0 }).all()))).toEqual(numbers(20).map(() => 'deadline_exceeded'));
    const many = await until(engine.submit(numbers(1_000), { deadlineMs: 0 }).all());
    expect(many).toHaveLength(1_000);
  });

  it('an input that cancels its own submission gives no further task', async () => {
    const { engine, until } = rig({ run: taking(10) });
    function* leaving(): Generator<number, void, undefined> {
      yield 0;
      results.cancel();
      yield 1;
      yield 2;
    }
    const results = engine.submit(leaving());
    expect(outcomes(await until(results.all()))).toEqual(['cancelled']);
    expect(results.counts).toMatchObject({ taken: 1, cancelled: 1 });
  });

  it('the bytes of an input are those that it had when it was taken', async () => {
    const { engine, until } = rig<number[], number>({
      run: () => (input) => {
        input.length = 0;
        return of(1);
      },
      ...{ sizeOf: (input: readonly number[]) => input.length, maxBytesInFlight: 10 },
    });
    expect(await until(engine.submit(numbers(30).map(() => [1, 2, 3])).all())).toHaveLength(30);
  });

  it.each([
    ['throws', () => raise('no size'), 'no size'],
    ['is no number', () => Number.NaN, 'invalid_option'],
    ['is negative', () => -1, 'invalid_option'],
  ])('a size that %s fails its task alone', async (_, sizeOf, expected) => {
    const { engine, until } = rig({ run: taking(1), sizeOf: (n: number) => (n === 1 ? sizeOf() : 1) });
    expect(outcomes(await until(engine.submit(numbers(3)).all()))).toEqual([0, expected, 4]);
  });

  it.each([
    ['a promise', () => Promise.resolve(1), 'got a promise'],
    ['a text, of which a stream would be its letters', () => 'abc', 'got a value of type string'],
    ['nothing', () => undefined, 'got a value of type undefined'],
  ])('a run that returns %s fails with what to do', async (_, returned, expected) => {
    const { engine, until } = rig<number, unknown>({ run: () => returned as unknown as RunOptions<number, unknown>['run'] });
    const [result] = await until(engine.submit([1]).all());
    expect(result).toMatchObject({
      status: 'error',
      error: { code: 'project_threw', message: expect.stringContaining(expected) as string },
    });
  });

  it('hundreds of submissions of one task each', async () => {
    const { engine, until } = rig({ run: taking(1), maxWorkers: 64 });
    const all = await until(Promise.all(numbers(300).map((n) => engine.submit([n]).promise)));
    expect(all.flat()).toEqual(numbers(300).map((n) => 2 * n));
  });
});

function raise(message: string): never {
  throw new Error(message);
}
