import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import { startReader } from './reader-process.ts';

const mebibyte = 1024 * 1024;
const leastMemoryMb = 256;

export interface ParquetBounds {
  readonly maxGroupBytes: number;
  /** The longest wait for something new. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Memory of the reader by what a row group may have: decoded, values take about three times their bytes. */
const memoryMbOf = (maxGroupBytes: number): number => Math.max(leastMemoryMb, Math.ceil((4 * maxGroupBytes) / mebibyte));

/**
 * What a process that reads Parquet writes, from a row group on; its end is the end of the process, whoever stops early ends it. Pipes hold 64 KiB or so: it goes on when what it wrote is taken.
 * Ends with an error that says why when the process was ended: nothing came for `timeoutMs`, it took too much memory, it broke.
 */
export async function* parquetOutput(file: number | Uint8Array, fromGroup: number, bounds: ParquetBounds): AsyncGenerator<Buffer> {
  const { maxGroupBytes, timeoutMs, clock } = bounds;
  const memoryMb = memoryMbOf(maxGroupBytes);
  const { child, ended } = startReader({
    entry: 'parquet-child',
    args: [fromGroup, maxGroupBytes],
    memoryMb,
    stdio: ['ignore', 'pipe', 'ignore', typeof file === 'number' ? file : 'pipe'],
  });
  const { stdout } = child;
  if (stdout === null) throw new Error('unreachable: its output is a pipe');
  try {
    await Promise.race([once(child, 'spawn'), ended.then((why) => Promise.reject(why instanceof Error ? why : new Error(String(why))))]);
    if (typeof file !== 'number') give(child, file);
    const state: { isLate: boolean } = { isLate: false };
    for (const chunks = stdout[Symbol.asyncIterator](); ; ) {
      const cancel = clock.schedule(timeoutMs, () => {
        state.isLate = true;
        child.kill('SIGKILL');
      });
      const next = await chunks.next().finally(cancel);
      if (next.done === true) break;
      child.unref(); // whoever stops asking, and does not say so, can end all the same
      yield next.value as Buffer;
      child.ref();
    }
    if (state.isLate) throw new Error(`nothing was read for ${String(timeoutMs)} ms; raise timeoutMs, or leave it out`);
    const end = await ended;
    if (end !== 0)
      throw new Error(
        `reading it took more than ${String(memoryMb)} MiB of memory, or broke its reader (${String(end)}); leave it out, or raise maxGroupBytes`,
      );
  } finally {
    child.kill('SIGKILL');
    stdout.destroy();
  }
}

function give(child: ChildProcess, bytes: Uint8Array): void {
  const pipe = child.stdio[3];
  if (!(pipe instanceof Writable)) return;
  pipe.on('error', () => undefined); // it ended before it had read all, which its output tells
  pipe.end(bytes);
  if (pipe instanceof Readable) pipe.resume();
}
