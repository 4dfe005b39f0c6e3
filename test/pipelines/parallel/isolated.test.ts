import { firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type IsolatedOptions, isolated, parallel, type Results } from '../../../pipelines/parallel/index.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { outcomes } from '../../helpers/engine-rig.ts';

interface Input {
  readonly do: string;
  readonly n: number;
}

const step = new URL('./step.ts', import.meta.url);

/** The steps run in real processes and threads, and no time-out ends them but by `clock`: a machine that is busy changes nothing. */
function engine(options: IsolatedOptions) {
  const clock = virtualClock(0);
  const apart = isolated<Input, unknown>(step, { maxWorkers: 1, clock, ...options });
  const made = parallel<Input, unknown>({ run: apart.run, maxWorkers: 1, attempts: 1, timeoutMs: 600_000 });
  onTestFinished(async () => {
    await made.close({ deadlineMs: 0 });
    await apart.close();
  });
  return {
    clock,
    submit: (...names: readonly string[]): Results<Input, unknown> => made.submit(tasks(...names), { context: { requestId: 'r-1' } }),
    made,
  };
}
const tasks = (...names: readonly string[]): Input[] => names.map((one, n) => ({ do: one, n }));
const patience = { timeout: 60_000, interval: 10 };

describe.each(['process', 'task'] as const)('isolated by %s', (isolation) => {
  it('gives results; what a step throws, sends, prints or cannot give back harms nobody; it sees its context, and no environment but what it is given', async () => {
    const printed = vi.spyOn(process.stdout, 'write');
    onTestFinished(() => printed.mockRestore());
    const { submit } = engine({ isolation });
    const results = await submit('double', 'throw', 'forge', 'print', 'uncopied', 'double', 'context', 'environment').all();
    expect(outcomes(results).slice(0, 6)).toEqual([0, 'project_threw', 'done', 'done', 'project_threw', 10]);
    expect(results[1]?.status === 'error' && results[1].error.message).toContain('TypeError: not like this');
    expect(printed.mock.calls.flat().join('')).not.toContain('printed by a step');
    expect(results[6]).toMatchObject({ result: { requestId: 'r-1' } });
    const seen = results[7]?.status === 'success' ? (results[7].result as string[]) : ['none'];
    expect(seen.filter((name) => !/^(PATH|NODE_CHANNEL.*)$/.test(name))).toEqual([]);
  });

  it('an end, memory without end, an endless loop and a cancelled one end alone', async () => {
    const { clock, submit, made } = engine({ isolation, maxHeapMb: 32, timeoutMs: 300 });
    expect(outcomes(await submit('exit', 'memory', 'double').all())).toEqual(['call_failed', 'call_failed', 4]);
    const loop = submit('loop');
    const ended = loop.all();
    await expect.poll(() => made.stats().pipeline?.stages.working ?? 0, patience).toBeGreaterThan(0);
    await vi.waitFor(async () => {
      await clock.advance(1_000);
      expect(loop.counts.failed).toBe(1);
    }, patience);
    expect(outcomes(await ended)).toEqual(['call_timeout']);
    const cancelled = submit('loop', 'double');
    const first = firstValueFrom(cancelled.observable);
    await expect.poll(() => made.stats().pipeline?.stages.working ?? 0, patience).toBeGreaterThan(0);
    cancelled.cancel();
    expect(await first).toMatchObject({ status: 'cancelled' });
    expect(outcomes(await submit('double').all())).toEqual([0]);
  });
});

describe('state', () => {
  it.each([
    ['process', [1, 2, 3]],
    ['task', [1, 1, 1]],
  ] as const)('of a %s: tasks see %j', async (isolation, seen) => {
    expect(outcomes(await engine({ isolation }).submit('seen', 'seen', 'seen').all())).toEqual(seen);
  });

  it('refuses options that are none', () => {
    expect(() => isolated('./step.ts' as never)).toThrow('expects the URL of a module');
    expect(() => isolated(step, { timeoutMs: 0 })).toThrow('isolated.timeoutMs');
  });
});
