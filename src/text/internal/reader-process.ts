import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const mebibyte = 1024 * 1024;

export interface ReaderProcess {
  readonly child: ChildProcess;
  /** Of its end, when its pipes are closed: the exit code, the signal, or the error that kept it from starting. Never rejects. */
  readonly ended: Promise<unknown>;
}

export interface ReaderProcessOptions {
  /** Beside this file, without its ending: `.ts` in the repository, `.js` where it was compiled. */
  readonly entry: string;
  /** What it is given behind the memory. */
  readonly args: readonly number[];
  /** Of the heap; all in all it may have twice that, and 128 MiB for Node itself. */
  readonly memoryMb: number;
  readonly stdio: StdioOptions;
}

/**
 * Starts a process for files that nobody trusts: what one does to its reader (a loop without end, an array that V8 aborts for) ends with it. It has nothing of the environment, its first argument is the
 * most memory that it may have, in bytes, for `watchReader`.
 */
export function startReader({ entry, args, memoryMb, stdio }: ReaderProcessOptions): ReaderProcess {
  const path = fileURLToPath(new URL(`./${entry}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
  const most = (2 * memoryMb + 128) * mebibyte;
  const child = spawn(process.execPath, [`--max-old-space-size=${String(memoryMb)}`, path, ...[most, ...args].map(String)], {
    env: cacheOf(process.env),
    stdio,
    serialization: 'advanced',
  });
  const ended = new Promise<unknown>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  return { child, ended };
}

/** Nothing of the environment but where Node keeps compiled code, if it does. */
const cacheOf = ({ NODE_COMPILE_CACHE }: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
