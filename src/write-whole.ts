import { open, rename, rm } from 'node:fs/promises';

/**
 * Writes pieces of text as a file: beside it first, then in its place. Whoever reads the file sees the one before or this one, whole and on the disk, never half of one. Holds one piece. Rejects with the file system's error, or
 * with what the pieces end with.
 */
export async function writeWhole(path: string, pieces: readonly string[] | AsyncIterable<string>): Promise<void> {
  const beside = `${path}.${String(process.pid)}.part`;
  try {
    const file = await open(beside, 'w');
    try {
      for await (const piece of pieces) await file.appendFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
