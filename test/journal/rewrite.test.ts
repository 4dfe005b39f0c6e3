import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FakeFiles, fakeFiles, systemError } from '../helpers/fake-files.ts';
import { testJournal } from '../helpers/open-journal.ts';

const own = '/journal/journal-0.jsonl';
const options = { dir: '/journal' };
const keys = [1, 2, 3, 4, 5];
const valueOf = (key: number, round: number): string => `${String(key)} in round ${String(round)} ${'x'.repeat(200)}`;

/** A journal of five keys that were all written three times. */
async function superseded(files: FakeFiles): Promise<number> {
  const { journal, close } = await testJournal(options, { files });
  for (const round of [1, 2, 3]) for (const key of keys) await journal.append(key, valueOf(key, round));
  await close();
  files.done.length = 0;
  return files.contents.get(own)?.length ?? 0;
}

const read = async (files: FakeFiles): Promise<readonly unknown[]> => {
  const { journal, told, close } = await testJournal(options, { files });
  const values = await Promise.all(keys.map(async (key) => (await journal.get(key))?.value));
  await close();
  return [...values, ...told];
};
const last = keys.map((key) => valueOf(key, 3));

describe('a file of which more than half is superseded', () => {
  it('is written anew at the opening, with what counts; what is appended then stands behind it', async () => {
    const files = fakeFiles();
    const before = await superseded(files);
    const { journal, close, told } = await testJournal(options, { files });
    expect(files.contents.get(own)?.length).toBeLessThan(before * 0.4);
    await journal.append('more', 1);
    await close();
    expect([...(await read(files)), told.length]).toEqual([...last, 0]);
    expect(files.contents.get(own)?.toString().trimEnd().split('\n')).toHaveLength(7);
    files.done.length = 0;
    await read(files);
    expect(files.done).not.toContain('rename');
  });

  it('is left as it is where half of it counts, or where a line is damaged', async () => {
    const files = fakeFiles();
    const { journal, close } = await testJournal(options, { files });
    for (const key of [1, 2, 1, 2]) await journal.append(key, 'x');
    await close();
    await (await testJournal(options, { files })).close();
    expect(files.done).not.toContain('rename');
    const other = fakeFiles();
    await superseded(other);
    other.contents.get(own)?.write('?', 120);
    expect((await read(other)).slice(0, 5)).toEqual(last);
    expect(other.done).not.toContain('rename');
  });

  it('loses nothing at whatever step the process or the power goes', async () => {
    const counted = fakeFiles();
    await superseded(counted);
    await (await testJournal(options, { files: counted })).close();
    const steps = counted.done.length;
    expect(counted.done).toContain('rename');
    for (const isPower of [false, true])
      for (let dead = 0; dead <= steps; dead += 1)
        for (const part of [0, 100]) {
          const files = fakeFiles();
          await superseded(files);
          let step = 0;
          // from this step on nothing is done any more; of a write a part may have been
          files.fault = (doing) => {
            step += 1;
            if (step < dead) return undefined;
            return step === dead && doing === 'write' && part > 0 ? part : systemError('EIO');
          };
          await testJournal(options, { files }).catch(() => undefined);
          files.fault = () => undefined;
          files.contents.delete('/journal/journal-0.lock'); // its process is dead
          if (isPower) for (const name of [...files.contents.keys()]) files.contents.set(name, files.synced.get(name) ?? Buffer.alloc(0));
          if (isPower) files.contents.delete('/journal/journal-0.lock');
          expect([isPower, dead, part, ...(await read(files))]).toEqual([isPower, dead, part, ...last]);
        }
  });

  it.each(['open', 'write', 'sync', 'rename', 'truncate'] as const)(
    'serves as it is where it cannot be written anew (%s)',
    async (broken) => {
      const files = fakeFiles();
      const before = await superseded(files);
      files.fault = (doing, path) => (doing === broken && path.endsWith('.new') ? systemError('ENOSPC') : undefined);
      const { journal, told, close } = await testJournal(options, { files });
      expect(told).toEqual([expect.stringContaining('could not be written anew')]);
      expect(files.contents.get(own)?.length).toBe(before);
      expect([...files.contents.keys()]).not.toContain(`${own}.new`);
      files.fault = () => undefined;
      expect((await journal.get(3))?.value).toBe(valueOf(3, 3));
      await journal.append(6, 'more');
      await close();
      expect(await read(files)).toEqual(last);
    },
  );

  it('is read anew by who had read it before', async () => {
    const files = fakeFiles();
    await superseded(files);
    const writer = await testJournal(options, { files });
    await writer.close(); // written anew once
    const again = await testJournal(options, { files });
    const beside = await testJournal({ ...options, lookEveryMs: Infinity }, { files }); // holds the second file
    for (const round of [4, 5, 6]) for (const key of keys.toReversed()) await again.journal.append(key, valueOf(key, round));
    await again.close();
    const third = await testJournal(options, { files });
    expect(files.done.filter((doing) => doing === 'rename')).toHaveLength(2);
    const found = await Promise.all(keys.map((key) => beside.journal.get(key)));
    expect(found.map((entry) => entry?.value)).toEqual(keys.map((key) => valueOf(key, 6)));
    expect([beside.told, beside.journal.counts.damaged]).toEqual([[], 0]);
    await third.close();
    await beside.close();
  });
});

/** Opens a real journal that is to be written anew, and kills itself at a step of that. */
const program = `
  const [, ours, dir, dead] = process.argv;
  const { openJournal } = await import(ours + '/src/journal/internal/open-journal.ts');
  const { nodeFiles } = await import(ours + '/src/journal/internal/files.ts');
  const { systemClock } = await import(ours + '/src/clock.ts');
  let step = -1;
  const counted = (object) => Object.fromEntries(Object.entries(object).map(([name, does]) => [name, async (...args) => {
    if (name === 'open' && String(args[0]).endsWith('.new')) step = 0;
    if (step >= 0 && step++ === Number(dead)) process.kill(process.pid, 'SIGKILL');
    const result = await does(...args);
    return name === 'open' ? counted(result) : result;
  }]));
  const mebibyte = 1024 * 1024;
  const settings = { dir, exclusive: false, maxDelayMs: 0, maxGroupBytes: mebibyte, maxPendingBytes: mebibyte, maxValueBytes: mebibyte, lookEveryMs: 0 };
  await openJournal(settings, { clock: systemClock, signal: new AbortController().signal, log: () => undefined }, counted(nodeFiles));
  process.stdout.write('open');`;

it('loses nothing when its process is killed at a step of a rewriting', { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-journal-'));
  const made = await testJournal({ dir });
  for (const round of [1, 2, 3]) for (const key of keys) await made.journal.append(key, valueOf(key, round));
  await made.close();
  const whole = (await stat(join(dir, 'journal-0.jsonl'))).size;
  const ours = new URL('../..', import.meta.url).pathname;
  const ended: string[] = [];
  for (let step = 0; ended.at(-1) !== 'open' && step < 30; step += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, ours, dir, String(step)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    ended.push(said === 'open' ? said : String(signal));
    if ((await stat(join(dir, 'journal-0.jsonl'))).size < whole) break; // from here on it is the new one, and there is nothing to write anew
  }
  const { journal, told, close } = await testJournal({ dir });
  const values = await Promise.all(keys.map(async (key) => (await journal.get(key))?.value));
  await close();
  expect([values, told, await readdir(dir)]).toEqual([last, [], ['journal-0.jsonl']]);
  expect(new Set(ended)).toEqual(new Set(['SIGKILL']));
  expect(ended.length).toBeGreaterThan(3);
  expect((await stat(join(dir, 'journal-0.jsonl'))).size).toBeLessThan(whole);
  await rm(dir, { recursive: true });
});
