import { parentPort, workerData } from 'node:worker_threads';
import type { Ask, Told } from './isolated-protocol.ts';

/** What runs in a process, or a thread, of its own: loads a module, and calls its `run` for each task. */
const tell = (told: Told): void => {
  if (parentPort) parentPort.postMessage(told);
  else process.send?.(told);
};
const module_ = String(parentPort ? (workerData as { readonly module: string }).module : process.argv[2]);
let loaded: Promise<{ readonly run?: unknown }> | undefined;

async function work({ id, input, context }: Ask): Promise<void> {
  try {
    loaded ??= import(module_) as Promise<{ readonly run?: unknown }>;
    const { run } = await loaded;
    if (typeof run !== 'function') throw new TypeError('expected the module to export a function run(input, context)');
    const result: unknown = await (run as (input: unknown, context: unknown) => unknown)(input, context);
    tell({ id, result });
  } catch (error) {
    tell({
      id,
      error: { name: error instanceof Error ? error.name : 'Error', message: error instanceof Error ? error.message : String(error) },
    });
  }
}

const onAsk = (ask: Ask): void => {
  void work(ask);
};
if (parentPort) parentPort.on('message', onAsk);
else {
  process.on('message', onAsk);
  process.on('disconnect', () => {
    process.exit();
  });
}
tell({ isReady: true });
