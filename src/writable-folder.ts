import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, OptionError } from './errors.ts';
import { makeFolder } from './make-folder.ts';

/**
 * Makes the folder for answers where it is missing, and sees that files can be written in it: before a model is loaded for nothing.
 * @throws OptionError with what the system says.
 */
export async function writableFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
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
