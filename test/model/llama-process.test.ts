import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, open, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smollm2 } from '../../src/artifacts/catalogue.ts';
import { sleep, systemClock } from '../../src/clock.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import { embeddedModelFile, openEmbedded, quietContext } from '../helpers/embedded-model.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { allOf, resultOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();
const original = file.path ?? '';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(file.path === undefined)('the process of the embedded model', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-model-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('fails the calls in it when it is killed, and is back within seconds', async () => {
    const { model, pool: own, close } = await openEmbedded({ sequences: 4 });
    try {
      const [pid] = own.pids;
      const calls = [1, 2, 3].map((n) => failureOf(resultOf(model.chat(`Tell a long story, number ${String(n)}.`, { maxTokens: 300 }))));
      await resultOf(model.chat('Hello', { maxTokens: 1 })); // they are under way
      process.kill(pid ?? 0, 'SIGKILL');
      const failures = await Promise.all(calls);
      expect(failures.map((failure) => [failure.code, failure.retryable])).toEqual([1, 2, 3].map(() => ['model_crashed', true]));
      const startedMs = systemClock.nowMs();
      const chunks = await allOf(model.chat('Hello', { maxTokens: 4 })); // waits for the new one
      expect(chunks.at(-1)?.usage?.outputTokens).toBeGreaterThan(0);
      expect(own.pids).not.toEqual([pid]);
      expect(systemClock.nowMs() - startedMs).toBeLessThan(20_000);
    } finally {
      await close();
    }
  });

  it('does not outlive a closed resource, and answers no more', async () => {
    const { model, pool: own, close } = await openEmbedded({ sequences: 1 });
    const pid = own.pids[0] ?? 0;
    const call = failureOf(resultOf(model.chat('Tell a long story.', { maxTokens: 300 })));
    await close();
    expect((await call).code).toBe('model_unavailable');
    expect(isAlive(pid)).toBe(false);
    expect((await failureOf(resultOf(model.chat('Hello')))).code).toBe('model_unavailable');
  });

  it('does not load a file that has changed since it was looked at, also after a crash', async () => {
    const path = join(folder, 'changing.gguf');
    await copyFile(original, path);
    const { model, pool: own, close } = await openEmbedded({ model: path, sequences: 1 });
    try {
      await utimes(path, 1, 1);
      process.kill(own.pids[0] ?? 0, 'SIGKILL');
      await vi.waitFor(() => expect(own.pids).toEqual([]), { timeout: 30_000 });
      const failure = await failureOf(resultOf(model.chat('Hello', { maxTokens: 1 })));
      expect([failure.code, failure.message]).toEqual(['model_damaged', expect.stringContaining('has changed since it was looked at')]);
    } finally {
      await close();
    }
  });

  it('refuses more calls than may wait', async () => {
    const { model, close } = await openEmbedded({ sequences: 1, maxWaiting: 1 });
    try {
      const running = [1, 2].map(() => model.chat('Tell a story.', { maxTokens: 100 }).subscribe());
      expect((await failureOf(resultOf(model.chat('Hello')))).code).toBe('overloaded');
      for (const one of running) one.unsubscribe();
      await resultOf(model.chat('Hello', { maxTokens: 1 }));
    } finally {
      await close();
    }
  });

  it('dies with the application', async () => {
    const script = join(folder, 'application.ts');
    const helper = new URL('../helpers/embedded-model.ts', import.meta.url).href;
    await writeFile(
      script,
      `import { openEmbedded } from '${helper}'; const { pool } = await openEmbedded(); console.log(pool.pids[0]); setInterval(() => {}, 1000);`,
    );
    const application = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) =>
      application.stdout.once('data', (text: Buffer) => {
        resolve(Number(text.toString()));
      }),
    );
    expect(isAlive(pid)).toBe(true);
    application.kill('SIGKILL');
    for (let tries = 0; isAlive(pid) && tries < 100; tries += 1) await sleep(systemClock, 50);
    expect(isAlive(pid)).toBe(false);
  });

  describe('a file that is wrong', () => {
    const broken = async (name: string, spoil: (path: string) => Promise<void>): Promise<string> => {
      const cacheFolder = join(folder, name);
      const path = join(cacheFolder, smollm2.file);
      await mkdir(join(path, '..'), { recursive: true });
      await copyFile(original, path);
      await spoil(path);
      return cacheFolder;
    };
    const cut = (path: string): Promise<void> => truncate(path, 50_000_000);
    const scratch = async (path: string): Promise<void> => {
      const handle = await open(path, 'r+');
      await handle.write(Buffer.alloc(4_096, 0x5a), 0, 4_096, 60_000_000);
      await handle.close();
    };

    it.each([
      { what: 'missing', spoil: (path: string) => rm(path), code: 'model_not_found', says: /run `millrace pull smollm2`/ },
      { what: 'truncated', spoil: cut, code: 'model_damaged', says: /cut off after 50000000 of 98362432 bytes.*millrace pull smollm2/ },
      {
        what: 'damaged',
        spoil: scratch,
        code: 'model_damaged',
        says: /its SHA-256 is [0-9a-f]{64}, expected b179c952.*millrace pull smollm2/,
      },
    ])('$what in the cache is $code', async ({ what, spoil, code, says }) => {
      const failure = await failureOf(llama({ model: 'smollm2', cacheFolder: await broken(what, spoil) }).open(quietContext()));
      expect(failure.code).toBe(code);
      expect(failure.message).toMatch(says);
    });

    it.each([
      { what: 'no file', make: () => Promise.resolve(), code: 'model_not_found', says: /no model file at/ },
      { what: 'no GGUF', make: (path: string) => writeFile(path, 'hello'.repeat(100)), code: 'model_damaged', says: /no GGUF file/ },
      { what: 'empty', make: (path: string) => writeFile(path, ''), code: 'model_damaged', says: /no GGUF file/ },
      {
        what: 'cut',
        make: (path: string) => copyFile(original, path).then(() => cut(path)),
        code: 'model_damaged',
        says: /cut off after 50000000 bytes/,
      },
    ])('a path with $what is $code', async ({ what, make, code, says }) => {
      const path = join(folder, `${what.replace(' ', '-')}.gguf`);
      await make(path);
      const failure = await failureOf(llama({ model: path }).open(quietContext()));
      expect(failure.code).toBe(code);
      expect(failure.message).toMatch(says);
    });

    it('a context beyond the training is an option error', async () => {
      const failure = await failureOf(llama({ model: 'smollm2', contextTokens: 9_000 }).open(quietContext()));
      expect(failure.code).toBe('invalid_option');
      expect(failure.message).toContain('at most 8192');
    });
  });
});
