import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, map, take, timer, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { journaled, mapConcurrent } from '../../operators/index.ts';
import { type App, connect, definePipeline, journal, memory, silentLog, start, text, topic } from '../../src/index.ts';

const system = (command: string, args: readonly string[]): void => {
  execFileSync(command, args, { stdio: 'ignore' });
};
const [texts, done] = [topic('texts', text()), topic('done', text())];
const count = 60;
const concurrency = 4;
const resultOf = (value: string): string => `${value} ${'x'.repeat(2_000)}`;

it('stops a pipeline when the disk is full, saying what to do; with room it goes on: nothing is lost, nothing that was finished is called again', async (test) => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-journal-'));
  try {
    system('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
  } catch {
    test.skip('the reason: no right to mount a small disk here');
  }
  const transport = memory();
  const calls = new Map<string, number>();
  const pipeline = definePipeline({
    name: 'journaled',
    input: texts,
    output: done,
    deadLetter: 'stop',
    resources: { finished: journal({ dir }) },
    process: (source, { finished }) =>
      source.pipe(
        mapConcurrent(
          (value) => {
            const work = timer(2).pipe(
              map(() => {
                calls.set(value, (calls.get(value) ?? 0) + 1);
                return resultOf(value);
              }),
            );
            return work.pipe(journaled(finished, { key: value }));
          },
          { concurrency },
        ),
      ),
  });
  const run = (): Promise<App> => start(pipeline, { transport, log: silentLog, signals: false, createTopics: true });
  const client = connect(transport);
  try {
    const first = await run();
    await client.produce(
      texts,
      Array.from({ length: count }, (_, n) => ({ key: String(n), value: `text ${String(n)}` })),
    );
    const why: unknown = await first.done.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(why).toMatchObject({ code: 'journal_full', message: expect.stringContaining('make room and start again') as string });
    const { done: finishedBefore, failed } = first.stats();
    expect([finishedBefore > 10 && finishedBefore < count, failed]).toEqual([true, 0]);
    await first.drain({ deadlineMs: 0 }).catch(() => undefined); // what it has failed with is known
    const calledBefore = calls.size;

    await expect(run().then((app) => app.done)).rejects.toMatchObject({ code: 'journal_full' }); // still full: nothing is made worse

    system('mount', ['-o', 'remount,size=1m', dir]);
    const second = await run();
    const outputs = await firstValueFrom(client.consume(done).pipe(take(count), toArray()));
    await second.drain();
    expect(new Set(outputs.map(({ value }) => value))).toEqual(
      new Set(Array.from({ length: count }, (_, n) => resultOf(`text ${String(n)}`))),
    );
    const again = [...calls].filter(([, times]) => times > 1).map(([value]) => value);
    // those whose append the full disk refused, in the first run and in the one that met it full
    expect(again.length).toBeLessThanOrEqual(2 * concurrency);
    expect(calledBefore - again.length).toBeGreaterThan(10);
  } finally {
    await client.close();
    system('umount', [dir]);
    await rm(dir, { recursive: true });
  }
});
