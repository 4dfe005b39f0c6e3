import type { JournalFile } from './files.ts';

export interface LineSeer {
  /** A line without its end, in `bytes` from `start` to `end`; `bytes` is used again afterwards. */
  line(bytes: Buffer, start: number, end: number, offset: number): void;
  /** A line that is longer than any that was written. */
  tooLong(): void;
  /** After each piece of the file. */
  settle(): Promise<void>;
}

const chunkBytes = 1024 * 1024;
const lineFeed = 10;

/**
 * Reads the whole lines of a file from `from` on. Holds 1 MiB, or the longest line that is allowed.
 * @returns where the last whole line ends: what stands behind it is torn, or being written.
 */
export async function scanLines(
  file: JournalFile,
  from: number,
  maxLineBytes: number,
  seer: LineSeer,
  signal?: AbortSignal,
): Promise<number> {
  let buffer = Buffer.allocUnsafe(Math.min(chunkBytes, maxLineBytes + 1));
  let position = from; // of the first byte that is held
  let held = 0;
  let isSkipping = false;
  let wholeUntil = from;
  for (;;) {
    signal?.throwIfAborted();
    const read = await file.read(buffer.subarray(held), position + held);
    if (read === 0) return wholeUntil;
    const bytes = buffer.subarray(0, held + read);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed, held); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      if (isSkipping) seer.tooLong();
      else seer.line(bytes, start, end, position + start);
      isSkipping = false;
      start = end + 1;
    }
    await seer.settle();
    if (start > 0) wholeUntil = position + start;
    held = bytes.length - start;
    position += start;
    if (isSkipping || held > maxLineBytes) {
      isSkipping = true;
      position += held;
      held = 0;
    } else if (start > 0) buffer.copyWithin(0, start, start + held);
    else if (held === buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(buffer.length * 2, maxLineBytes + 1));
      buffer.copy(larger);
      buffer = larger;
    }
  }
}
