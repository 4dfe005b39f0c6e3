import { type ChildProcess, spawn } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CancelTimer } from '../clock.ts';
import type { CliContext } from './context.ts';
import { type FromSupervisor, supervisedVariable } from './supervised.ts';

/** An editor writes a file in several steps, and a formatter once more. */
const settleMs = 150;

/** Runs the pipeline of this command line in a child process, anew after each change of a file it loaded, until interrupted. */
export async function watchPipeline(path: string, { out, signal, clock, interrupt }: CliContext): Promise<number> {
  const state: { child?: ChildProcess | undefined; cancel?: CancelTimer; changed?: string | undefined; wake?: () => void } = {};
  const tell = (message: FromSupervisor): void => {
    if (state.child?.connected === true) state.child.send(message, () => undefined);
  };
  const files = watchedFiles([dirname(path), process.cwd()], (file) => {
    state.cancel?.();
    state.cancel = clock.schedule(settleMs, () => {
      state.changed = relative(process.cwd(), file);
      tell('stop');
      state.wake?.();
    });
  });
  const onAbort = (): void => {
    tell('stop');
    state.wake?.();
  };
  // a second signal ends this process at once, and must not leave the child
  const onExit = (): void => {
    if (interrupt.exitCode !== undefined) state.child?.kill('SIGKILL');
  };
  signal.addEventListener('abort', onAbort, { once: true });
  process.once('exit', onExit);
  // asked through functions, as the compiler does not know what happens during an await
  const change = (): string | undefined => state.changed;
  const isStopped = (): boolean => signal.aborted;
  try {
    files.add(path);
    while (!isStopped()) {
      state.changed = undefined;
      state.child = spawnSelf(files.add);
      const code = await exitOf(state.child);
      state.child = undefined;
      if (change() === undefined && !isStopped()) out.note(`ended with ${String(code)}; waiting for a change`);
      while (change() === undefined && !isStopped()) {
        const woken: PromiseWithResolvers<void> = Promise.withResolvers();
        state.wake = woken.resolve;
        await woken.promise;
      }
      if (!isStopped()) out.note(`${change() ?? path} has changed: starting again`);
    }
    return 0; // being interrupted is how watching ends
  } finally {
    state.cancel?.();
    files.close();
    signal.removeEventListener('abort', onAbort);
    process.off('exit', onExit);
  }
}

function spawnSelf(onLoad: (file: string) => void): ChildProcess {
  const argv = process.argv.slice(2).filter((one) => one !== '--watch');
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'millrace.cjs'), ...argv], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [supervisedVariable]: '1' },
  });
  child.on('message', (message) => {
    if (typeof message === 'object' && 'loads' in message && typeof message.loads === 'string') onLoad(fileURLToPath(message.loads));
  });
  return child;
}

const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code, by) => {
      resolve(code ?? (by === 'SIGKILL' ? 137 : 1));
    });
  });

/** Watches folders rather than files: an editor replaces a file, and a watched file would be the old one. */
function watchedFiles(
  below: readonly string[],
  onChange: (file: string) => void,
): { readonly add: (file: string) => void; readonly close: () => void } {
  const folders = new Map<string, { readonly watcher: FSWatcher; readonly names: Set<string> }>();
  return {
    add: (file) => {
      if (!below.some((folder) => file.startsWith(folder + sep)) || file.includes(`${sep}node_modules${sep}`)) return;
      const folder = dirname(file);
      let known = folders.get(folder);
      if (!known) {
        const names = new Set<string>();
        const watcher = watch(folder, (_, name) => {
          if (name !== null && names.has(name)) onChange(join(folder, name));
        });
        watcher.on('error', () => {
          watcher.close();
        }); // the folder is gone
        known = { watcher, names };
        folders.set(folder, known);
      }
      known.names.add(basename(file));
    },
    close: () => {
      for (const { watcher } of folders.values()) watcher.close();
    },
  };
}
