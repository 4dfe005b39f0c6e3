import { open, rename, rm } from 'node:fs/promises';

/** Beside it first, then in its place: whoever reads the file sees the one before or this one, never half of one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${String(process.pid)}.part`;
  try {
    const file = await open(beside, 'w');
    try {
      await file.writeFile(text);
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
