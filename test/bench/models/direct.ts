import { startWorker } from '../../helpers/worker.ts';
import { processUse } from './process-use.ts';
import type { Contender, Round, Task } from './work.ts';

/** node-llama-cpp used directly, in a process of its own, so that its memory is its own; nothing travels but questions and sums. */
export async function direct(task: Task): Promise<Contender> {
  const worker = startWorker(new URL('direct-program.ts', import.meta.url), task);
  await worker.next('ready');
  return {
    name: 'node-llama-cpp used directly',
    ask: (questions) => {
      worker.say(JSON.stringify(questions));
      return worker.next<Round>('round');
    },
    use: () => processUse(worker.pid),
    close: () => worker.end(0),
  };
}
