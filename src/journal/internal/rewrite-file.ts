import type { JournalFile, JournalFiles } from './files.ts';
import type { KeyIndex, KeyWords } from './key-index.state.ts';
import { checkLine, headLine } from './line.ts';
import { scanLines } from './scan-lines.ts';

export interface RewriteOptions {
  readonly files: JournalFiles;
  readonly dir: string;
  readonly path: string;
  /** Read, and nobody writes to it. */
  readonly file: JournalFile;
  readonly index: KeyIndex;
  readonly maxLineBytes: number;
  readonly signal: AbortSignal;
}

/** Where a file is written before it takes its name; what a kill leaves of one is removed by the next writer. */
export const besideOf = (path: string): string => `${path}.new`;

/**
 * Writes a file anew with the lines alone that count, and puts it in the old one's place. Whenever it is killed, one of the two stands there, whole and on the disk. Only lines of the
 * file itself replace its lines: those of other files may not be on the disk yet.
 * @returns the new file, opened to write.
 */
export async function rewriteFile(options: RewriteOptions): Promise<JournalFile> {
  const { files, dir, path } = options;
  const beside = besideOf(path);
  const anew = await files.open(beside, 'write');
  try {
    await anew.truncate(0);
    await copyLines(options, anew);
    await anew.sync(); // before it has the name: after a loss of power the name must not stand for less
    await files.rename(beside, path);
    await files.syncFolder(dir);
    return anew;
  } catch (error) {
    await anew.close().catch(() => undefined); // what it failed with is told already
    throw error;
  }
}

async function copyLines({ file, index, maxLineBytes, signal }: RewriteOptions, anew: JournalFile): Promise<void> {
  const words: KeyWords = new Uint32Array(4);
  let written = 0;
  let kept: Buffer[] = [headLine];
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(kept);
    kept = [];
    for (let at = 0; at < bytes.length; ) {
      const count = await anew.write(bytes.subarray(at), written);
      if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
      at += count;
      written += count;
    }
  };
  const line = (bytes: Buffer, start: number, end: number, offset: number): void => {
    const counts = checkLine(bytes, start, end, words) && index.get(words)?.offset === offset;
    if (counts) kept.push(Buffer.from(bytes.subarray(start, end + 1)));
  };
  await scanLines(file, 0, maxLineBytes, { line, tooLong: () => undefined, settle: flush }, signal);
  await flush();
}
