import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toldBySeed } from './told-by-seed.ts';

export interface SeedProcessOptions {
  /** What the process sees of the environment: nothing else. */
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  /** Told of each process that runs. */
  readonly onStart?: ((pid: number) => void) | undefined;
  /** Told once, when it waits for its seed or is gone. */
  readonly onUp?: (() => void) | undefined;
}

/** A process that waits for its seed, or works on it. */
export interface SeedProcess {
  readonly child: ChildProcess;
  /** Whether it has said that it waits for its seed. */
  readonly isReady: boolean;
  readonly isAlive: boolean;
  /** The end of what it has written there. */
  readonly stderr: string;
  /** Ends it, and all that it started, at once. */
  kill(): void;
}

const childPath = fileURLToPath(new URL('./seed-child.ts', import.meta.url));
const mebibyte = 2 ** 20;
/** Of a process's memory, what may be JavaScript's heap. */
export const heapShare = 0.6;
const mostStderr = 4_096;

/** Begins a process for one seed. */
export function startSeedProcess({ env, memoryMb, onStart, onUp }: SeedProcessOptions): SeedProcess {
  const child = fork(childPath, [String(memoryMb * mebibyte), String(process.pid)], {
    execArgv: [`--max-old-space-size=${String(Math.floor(memoryMb * heapShare))}`],
    env: { ...env, ...compileCache() },
    detached: true, // the head of a group: what it has started goes with it, and Ctrl-C reaches this process alone
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  const seen = { isReady: false, isUp: false, hasFailed: false, stderr: '' };
  const up = (): void => {
    if (!seen.isUp) onUp?.();
    seen.isUp = true;
  };
  child.once('message', (message) => {
    seen.isReady = toldBySeed(message)?.kind === 'ready';
    up();
  });
  child.once('error', () => {
    seen.hasFailed = true;
    up();
  });
  child.once('exit', up);
  child.stderr?.on('data', (chunk: Buffer) => {
    seen.stderr = (seen.stderr + chunk.toString('latin1')).slice(-mostStderr);
  });
  return {
    child,
    get isReady() {
      return seen.isReady;
    },
    get isAlive() {
      return !seen.hasFailed && child.exitCode === null && child.signalCode === null && child.connected;
    },
    get stderr() {
      return seen.stderr;
    },
    kill: () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // gone already
      }
    },
  };
}

/** Half of a process's start is compiling what the one before it has compiled. */
function compileCache(): { readonly NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }; // the folder told is this Node's own, within the one that is given
}
