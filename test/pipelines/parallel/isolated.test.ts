import { firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type IsolatedOptions, isolated, parallel } from '../../../pipelines/parallel/index.ts';
import { outcomes } from '../../helpers/engine-rig.ts';

interface Input {
  readonly do: string;
  readonly n: number;
}

const step = new URL('./step.ts', import.meta.url);

function engine(options: IsolatedOptions) {
  const apart = isolated<Input, unknown>(step, { maxWorkers: 2, ...options });
  const made = parallel<Input, unknown>({ run: apart.run, maxWorkers: 2, attempts: 1 });
  onTestFinished(async () => {
    await made.close({ deadlineMs: 0 });
    await apart.close();
  });
  return made;
}
const tasks = (...names: readonly string[]): Input[] => names.map((one, n) => ({ do: one, n }));

describe.each(['process', 'task'] as const)('isolated by %s', (isolation) => {
  it('gives results, and a throw fails its task alone', async () => {
    const results = await engine({ isolation })
      .submit(tasks('double', 'throw', 'double'))
      .all();
    expect(outcomes(results)).toEqual([0, 'project_threw', 4]);
    expect(results[1]?.status === 'error' && results[1].error.message).toContain('TypeError: not like this');
  });

  it('what a step sends, prints or cannot give back harms nobody', async () => {
    const printed = vi.spyOn(process.stdout, 'write');
    onTestFinished(() => printed.mockRestore());
    const results = await engine({ isolation })
      .submit(tasks('forge', 'print', 'uncopied', 'double'), { serial: true })
      .all();
    expect(outcomes(results)).toEqual(['done', 'done', 'project_threw', 6]);
    expect(printed.mock.calls.flat().join('')).not.toContain('printed by a step');
  });

  it('an end and an endless loop fail their tasks alone', async () => {
    const made = engine({ isolation, timeoutMs: 300 }); // from when its process or thread is there
    expect(outcomes(await made.submit(tasks('double', 'exit', 'loop', 'double')).all())).toEqual([0, 'call_failed', 'call_timeout', 6]);
  });

  it('memory without end fails its task alone', async () => {
    const made = engine({ isolation, maxHeapMb: 32, timeoutMs: 30_000 });
    expect(outcomes(await made.submit(tasks('memory', 'double')).all())).toEqual(['call_failed', 2]);
  });

  it('knows the context, and no environment but what it is given', async () => {
    const results = await engine({ isolation })
      .submit(tasks('context', 'environment'), { context: { requestId: 'r-1' } })
      .all();
    expect(results[0]).toMatchObject({ result: { requestId: 'r-1' } });
    expect(
      results[1]?.status === 'success' && (results[1].result as string[]).filter((name) => !/^(PATH|NODE_CHANNEL.*)$/.test(name)),
    ).toEqual([]);
  });

  it('cancelling kills what runs', async () => {
    const made = engine({ isolation, maxWorkers: 1 });
    const results = made.submit(tasks('loop', 'double'));
    const first = firstValueFrom(results.observable); // which unsubscribes with the first result, and there is none
    await expect.poll(() => made.stats().pipeline?.stages.working ?? 0).toBeGreaterThan(0);
    results.cancel();
    expect(await first).toMatchObject({ status: 'cancelled' });
    expect(outcomes(await made.submit(tasks('double')).all())).toEqual([0]);
  });
});

describe('state', () => {
  it('of a process is seen by its next task, that of a thread is not', async () => {
    const sizes = async (isolation: 'process' | 'task'): Promise<unknown[]> =>
      outcomes(
        await engine({ isolation, maxWorkers: 1 })
          .submit(tasks('seen', 'seen', 'seen'), { serial: true })
          .all(),
      );
    expect(await sizes('process')).toEqual([1, 2, 3]);
    expect(await sizes('task')).toEqual([1, 1, 1]);
  });

  it('refuses options that are none', () => {
    expect(() => isolated('./step.ts' as never)).toThrow('expects the URL of a module');
    expect(() => isolated(step, { timeoutMs: 0 })).toThrow('isolated.timeoutMs');
  });
});
