import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder where it is missing, and those above it, level by level: told to make all of them, Node's own `mkdir` tries for ever in /proc, at full load, and says of a disk that is read-only that there is none (ENOENT).
 * Rejects with the file system's error.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(path)) return;
    const above = dirname(path);
    if (above === path || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    await makeFolder(above);
    await mkdir(path).catch(async (second: unknown) => {
      if (!(await isFolder(path))) throw second; // else somebody else was quicker
    });
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
