import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { IsolatedOptions } from './isolated-options.ts';
import { type Ask, type Told, toldIn } from './isolated-protocol.ts';

/** One process or thread. Each is told of one thing: an answer, or its end. */
export interface IsolatedWorker {
  ask(ask: Ask): void;
  /** At once, whatever it does. Resolves when it is gone. */
  kill(): Promise<void>;
}

export interface WorkerListener {
  told(told: Told): void;
  ended(why: string): void;
}

const childUrl = new URL('./isolated-child.ts', import.meta.url);

export function openWorker(module: URL, options: Required<IsolatedOptions>, listener: WorkerListener): IsolatedWorker {
  return options.isolation === 'process' ? openProcess(module, options, listener) : openThread(module, options, listener);
}

function openProcess(module: URL, { maxHeapMb, env }: Required<IsolatedOptions>, listener: WorkerListener): IsolatedWorker {
  const child: ChildProcess = fork(fileURLToPath(childUrl), [module.href], {
    execArgv: [`--max-old-space-size=${String(maxHeapMb)}`],
    env: { ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const gone = Promise.withResolvers<undefined>();
  child.on('message', (message) => {
    const told = toldIn(message);
    if (told) listener.told(told);
  });
  child.on('error', (error) => {
    listener.ended(error.message);
    gone.resolve(undefined);
  });
  child.on('exit', (code, signal) => {
    listener.ended(signal === null ? `it has ended with code ${String(code)}` : `it was ended by ${signal}`);
    gone.resolve(undefined);
  });
  return {
    ask: (ask) => {
      child.send(ask, (error) => {
        if (error) listener.ended(error.message);
      });
    },
    kill: async () => {
      child.kill('SIGKILL');
      await gone.promise;
    },
  };
}

function openThread(module: URL, { maxHeapMb, env }: Required<IsolatedOptions>, listener: WorkerListener): IsolatedWorker {
  const worker = new Worker(childUrl, {
    workerData: { module: module.href },
    env: { ...env },
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    execArgv: [],
    ...{ stdout: true, stderr: true },
  });
  worker.stdout.resume(); // as of a process, what a step writes goes nowhere
  worker.stderr.resume();
  worker.on('message', (message: unknown) => {
    const told = toldIn(message);
    if (told) listener.told(told);
  });
  worker.on('error', (error: unknown) => {
    listener.ended(error instanceof Error ? error.message : String(error));
  });
  worker.on('exit', (code) => {
    listener.ended(`it has ended with code ${String(code)}`);
  });
  return {
    ask: (ask) => {
      worker.postMessage(ask);
    },
    kill: async () => {
      await worker.terminate();
    },
  };
}
