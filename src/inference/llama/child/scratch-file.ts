import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where the system has that; it holds what was in prompts. */
const folders = ['/dev/shm', tmpdir()] as const;

/**
 * Lends the path of a file that nobody else can open, and empties it afterwards. On Linux it has no name in any folder, so that
 * nothing is left of it when the process is killed.
 */
export async function withScratchFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const [memory, disk] = folders;
  const inMemory = process.platform === 'linux' && (await stat(memory).catch(() => undefined))?.isDirectory() === true;
  const path = join(inMemory ? memory : disk, `millrace-${String(process.pid)}-${crypto.randomUUID()}`);
  const file: FileHandle = await open(path, 'wx+', 0o600);
  try {
    if (process.platform !== 'linux') return await use(path);
    await rm(path);
    return await use(`/proc/self/fd/${String(file.fd)}`);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
