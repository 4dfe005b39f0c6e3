import { realpath, stat } from 'node:fs/promises';
import { documentsIn, messageOf, OptionError } from 'millrace';

/** @throws OptionError where there is nothing at `path`, and where it is the folder of the answers. */
export async function isThere(path: string, out: string): Promise<void> {
  if ((await realpath(path).catch(() => path)) === (await realpath(out).catch(() => undefined)))
    throw new OptionError(
      `--out must be another folder than INPUT (${path}): what is written there would be read again; a folder in it will do`,
    );
  try {
    await stat(path);
  } catch (error) {
    throw new OptionError(
      `INPUT must be a folder, a file, - for JSONL on stdin, or topic:NAME, got ${JSON.stringify(path)}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * How many documents a folder or a file has. Reads the rows of files, and no other document. Undefined, never an error, for what can be read only once, after `signal`, and for what cannot be counted.
 */
export async function countDocuments(path: string, except: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (!found.isDirectory() && !found.isFile()) return undefined;
    let count = 0;
    for await (const { id } of documentsIn(path, { except })) {
      if (signal.aborted) return undefined;
      count += id === '' ? 0 : 1;
    }
    return count;
  } catch {
    return undefined; // whoever works on the pile says why
  }
}
