import { systemClock } from '../../../src/clock.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { openLlama } from '../../../src/inference/llama/llama.ts';
import { resolveLlamaOptions } from '../../../src/inference/llama/llama-options.ts';
import { askModel } from './ask-model.ts';
import { processUse } from './process-use.ts';
import { type Contender, contextTokens, type Task } from './work.ts';

/** `llama()` as a pipeline has it: the model in a process of its own, its pieces come here. */
export async function pool({ modelPath, atOnce, threads }: Task, signal: AbortSignal): Promise<Contender> {
  const options = resolveLlamaOptions({ model: modelPath, sequences: atOnce, threads, contextTokens, embeddings: false });
  const opened = await openLlama(options, { clock: systemClock, signal, log: () => undefined });
  const model = completeModel(opened.value.backend);
  return {
    name: 'this pool',
    ask: (questions) => askModel(model, atOnce, questions),
    use: () => processUse(opened.value.pool.pids[0] ?? 0),
    close: () => opened.close(),
  };
}
