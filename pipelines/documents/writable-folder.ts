import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OptionError } from 'millrace';

/**
 * Makes the folder for answers where it is missing, and sees that files can be written in it: before a model is loaded for nothing.
 * @throws OptionError with what the system says.
 */
export async function writableFolder(path: string): Promise<void> {
  try {
    await made(path);
    const probe = join(path, `.${String(process.pid)}.part`);
    const file = await open(probe, 'w');
    await file.close();
    await rm(probe, { force: true });
  } catch (error) {
    throw new OptionError(`--out must name a folder that can be written, got ${JSON.stringify(path)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Level by level: told to make all of them, the system says of a disk that is read-only that there is none (ENOENT). */
async function made(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (found) throw new Error('it is a file');
  const above = dirname(path);
  if (above !== path) await made(above);
  await mkdir(path).catch(async (error: unknown) => {
    if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error; // else somebody else was quicker
  });
}
