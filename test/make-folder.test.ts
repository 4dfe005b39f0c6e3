import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../src/make-folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-folder-'));
  await writeFile(join(folder, 'file'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('makeFolder', () => {
  it('makes what is missing, whoever else does so at once, and takes what is there', async () => {
    const path = join(folder, 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
    await makeFolder(path);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it.each([
    ['is a file', () => join(folder, 'file'), 'EEXIST'],
    ['lies in a file', () => join(folder, 'file', 'a', 'b'), 'ENOTDIR'],
  ])('rejects with what the system says: it %s', async (_, path, code) => {
    await expect(makeFolder(path())).rejects.toMatchObject({ code });
  });

  // where Node's own tries for ever
  it.runIf(process.platform === 'linux')('ends where no folder can be made: in /proc', async () => {
    await expect(makeFolder('/proc/nothing-there/a')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
