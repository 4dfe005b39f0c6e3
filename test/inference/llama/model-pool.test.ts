import { existsSync, readFileSync } from 'node:fs';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../../src/clock.ts';
import { resolveEngineOptions } from '../../../src/inference/llama/engine-options.ts';
import { ModelPool } from '../../../src/inference/llama/model-pool.ts';
import type { ChatSettings, EngineSettings, Work, WorkEvent, WorkResults } from '../../../src/inference/llama/protocol.ts';
import { quietContext } from '../../helpers/embedded-model.ts';
import { failureOf } from '../../helpers/failure-of.ts';

const entry = new URL('fake-child.ts', import.meta.url);
const settings: EngineSettings = {
  modelPath: 'none',
  modelIdentity: '',
  gpu: false,
  contextTokens: 64,
  sequences: 2,
  threads: 1,
  flashAttention: false,
  embeddings: false,
  memoryShare: 1,
  tuning: resolveEngineOptions({}, false),
};
const chatSettings = { maxTokens: 1, temperature: 0, stop: [] } as unknown as ChatSettings;
const chat = (said: string): Work => ({ kind: 'chat', turns: [{ role: 'user', content: said }], settings: chatSettings });

let opened: ModelPool | undefined;
afterEach(() => opened?.close());

async function open(processes = 1, maxWaiting = 100, maxMemoryBytes?: number): Promise<ModelPool> {
  const placements = Array.from({ length: processes }, () => ({ env: {}, cpus: undefined }));
  opened = (await ModelPool.start({ settings, placements, maxWaiting, maxMemoryBytes, context: quietContext(), entry })).pool;
  return opened;
}

/** The text of an answer: the process that gave it. */
const answer = async (pool: ModelPool, said: string): Promise<string> => {
  const events: readonly WorkEvent[] = await lastValueFrom(pool.run(chat(said)).pipe(toArray()));
  return events.map((event) => (event.kind === 'text' ? event.text : '')).join('');
};
const failure = (pool: ModelPool, said: string) => failureOf(lastValueFrom(pool.run(chat(said))));

describe('a pool of processes', () => {
  it.skipIf(!existsSync('/proc/self/cmdline'))('keeps the garbage of a process small, also of one that is bound to CPUs', async () => {
    const placements = [undefined, ...(existsSync('/usr/bin/taskset') ? ['0'] : [])].map((cpus) => ({ env: {}, cpus }));
    opened = (await ModelPool.start({ settings, placements, maxWaiting: 1, context: quietContext(), entry })).pool;
    for (const pid of opened.pids) expect(readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')).toContain('\0--max-semi-space-size=4\0');
  });

  it('names the call that brings its process down again alone, by its signal, and clears the others', async () => {
    const pool = await open();
    const both = await Promise.all([failure(pool, 'wait'), failure(pool, 'crash')]);
    expect(both.map(({ code }) => code)).toEqual(['model_crashed', 'model_crashed']);
    expect(both[0].message).toMatch(/process \d+, SIGSEGV; GGML_ASSERT\(n_tokens > 0\) failed; .* with 2 calls in it/);
    expect((await failure(pool, 'crash')).code).toBe('model_crashed');
    const again = await failure(pool, 'crash');
    expect([again.code, again.grade]).toEqual(['model_killed', 'record']);
    expect(again.message).toMatch(/brings the model's process down.*process \d+, SIGSEGV.*shorten or change the prompt/);
    expect(await answer(pool, 'hello')).toMatch(/^\d+$/);
    expect((await pool.state()).restarts).toBe(3);
  });

  it('replaces a process that takes too much memory when it has finished what it has, and fails nothing', async () => {
    const pool = await open(1, 100, 50_000);
    const [before] = pool.pids;
    const told: string[] = [];
    const running = pool
      .run(chat('wait'))
      .subscribe({ next: ({ kind }) => told.push(kind), error: (error: unknown) => told.push(String(error)) });
    await lastValueFrom(pool.run(chat('grow')));
    await sleep(systemClock, 50); // it is asked what it takes
    const next = answer(pool, 'hello'); // waits for the new one
    await sleep(systemClock, 50);
    expect([pool.pids, told]).toEqual([[before], ['text']]);
    running.unsubscribe();
    expect(Number(await next)).not.toBe(before);
    expect(told).toEqual(['text']);
    expect(await pool.state()).toMatchObject({ restarts: 1, memoryBytes: 1_000 });
    await lastValueFrom(pool.run(chat('grow'))); // within a minute it is let be
    expect(await answer(pool, 'hello')).toBe(await next);
  });

  it('says that a process may take less than the model itself', async () => {
    await expect(open(1, 100, 1_000)).rejects.toThrow(
      /maxMemoryBytes must be above what a process takes when it has done nothing, 1000 here/,
    );
  });

  it('tells how long a call has waited, for its process and in it', async () => {
    const pool = await open();
    const queued = async (said: string): Promise<number> => {
      const { kind, ...end } = await lastValueFrom(pool.run(chat(said)));
      expect(kind).toBe('done');
      return (end as { result: WorkResults['chat'] }).result.timings.queuedMs;
    };
    expect(await queued('hello')).toBeLessThan(7 + 50); // the process says 7
    const running = [1, 2, 3].map(() => pool.run(chat('wait')).subscribe()); // as many as it takes at once
    const third = queued('hello');
    await sleep(systemClock, 60);
    for (const one of running) one.unsubscribe();
    expect(await third).toBeGreaterThanOrEqual(7 + 50);
  });

  it('tries a suspect when nothing else is in the process, and lets others wait for it', async () => {
    const pool = await open();
    const first = await Promise.all([failure(pool, 'wait'), failure(pool, 'leave')]);
    expect(first.map(({ message }) => message)).toEqual(
      ['exit code 7', 'exit code 7'].map((text): unknown => expect.stringContaining(text)),
    );
    const told: string[] = [];
    const waiting = pool
      .run(chat('wait'))
      .subscribe({ next: ({ kind }) => told.push(`wait ${kind}`), error: (error: unknown) => told.push(String(error)) }); // a suspect
    const done = answer(pool, 'hello').then(() => told.push('hello'));
    while (told.length === 0) await sleep(systemClock, 5);
    expect(told).toEqual(['wait text']);
    waiting.unsubscribe();
    await done;
    expect(told).toEqual(['wait text', 'hello']);
  });

  it('ends a process whose device is spoiled, and says what to switch on', async () => {
    const pool = await open();
    const [pid] = pool.pids;
    const failed = await failure(pool, 'spoil');
    expect(failed.code).toBe('model_crashed');
    expect(failed.message).toMatch(/device-side assert triggered; set CUDA_LAUNCH_BLOCKING=1/);
    expect(await answer(pool, 'hello')).not.toBe(String(pid));
  });

  it('spreads works over its processes; one that is gone leaves the others at work', async () => {
    const pool = await open(2);
    const { pids } = pool;
    const held = [1, 2].map(() => pool.run(chat('wait')).subscribe({ error: () => undefined }));
    expect(await pool.state()).toEqual({ running: 2, waiting: 0, slots: 4, kvUse: 0.5, memoryBytes: 2_000, restarts: 0 });
    process.kill(pids[0] ?? 0, 'SIGKILL');
    expect(await answer(pool, 'hello')).toBe(String(pids[1]));
    for (const one of held) one.unsubscribe();
  });

  it('refuses more than may wait, counts what was cancelled no more, and ends what is open when it is closed', async () => {
    const pool = await open(1, 1);
    const open3 = [1, 2, 3].map(() => pool.run(chat('wait')).subscribe({ error: () => undefined }));
    expect((await failure(pool, 'hello')).code).toBe('overloaded');
    for (const one of open3) one.unsubscribe();
    await pool.warmUp();
    const last = failure(pool, 'wait');
    await pool.close();
    expect((await last).code).toBe('model_unavailable');
    expect((await failure(pool, 'hello')).code).toBe('model_unavailable');
    await expect(pool.warmUp()).rejects.toMatchObject({ code: 'model_unavailable' });
  });
});
