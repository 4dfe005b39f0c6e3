import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program of an experiment in a process of its own, so that its memory and its CPU time are its own. */
export interface Worker {
  readonly pid: number;
  /** Whether the process has ended. */
  readonly gone: boolean;
  /** The next message of this kind, or one that came before and was not asked for. @throws Error when the worker ends instead */
  next<T extends object>(kind: string): Promise<T>;
  say(message: string): void;
  /** Resolves when the process has ended by itself; null when a signal ended it. */
  exitCode(): Promise<number | null>;
  /** Resolves when the process is gone; it is killed when it does not go by itself within `patienceMs`. */
  end(patienceMs?: number): Promise<void>;
}

interface Said {
  readonly kind: string;
}

/** Starts `file` with `given` as its only argument, as JSON; see `reportFrom` for the other side. */
export function startWorker(file: URL, given: object, execArgv: readonly string[] = []): Worker {
  const child = fork(file, [JSON.stringify(given)], {
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-workers') }, // as `millrace run` has one
  });
  const unread: Said[] = [];
  const looks = new Set<() => void>();
  child.on('message', (message) => {
    unread.push(message as Said);
    for (const look of [...looks]) look();
  });
  child.on('exit', () => {
    for (const look of [...looks]) look();
  });
  return {
    pid: child.pid ?? 0,
    get gone() {
      return isGone(child);
    },
    next: <T extends object>(kind: string) =>
      new Promise<T>((resolve, reject) => {
        const look = (): void => {
          const at = unread.findIndex((one) => one.kind === kind);
          if (at < 0 && !isGone(child)) return;
          looks.delete(look);
          if (at < 0) reject(new Error(`${file.pathname} ended (${String(child.exitCode ?? child.signalCode)}) before it said ${kind}`));
          else resolve(unread.splice(at, 1)[0] as unknown as T);
        };
        looks.add(look);
        look();
      }),
    say: (message) => {
      if (child.connected) child.send(message);
    },
    exitCode: async () => {
      if (!isGone(child)) await once(child, 'exit');
      return child.exitCode;
    },
    end: async (patienceMs = 15_000) => {
      if (isGone(child)) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await once(child, 'exit');
      clearTimeout(timer);
    },
  };
}

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** On the worker's side: what it was given, and how it speaks. */
export const givenToWorker = (): unknown => JSON.parse(process.argv[2] ?? 'null');

export function reportFrom(kind: string, fields: object = {}): void {
  process.send?.({ kind, ...fields });
}
