import { systemClock } from '../../../src/clock.ts';
import { openServer } from '../../../src/inference/openai/server/server.ts';
import { resolveServerOptions } from '../../../src/inference/openai/server/server-options.ts';
import type { LlamaServerProgram } from '../../helpers/llama-server.ts';
import { askModel } from './ask-model.ts';
import { processUse } from './process-use.ts';
import { type Contender, contextTokens, type Task } from './work.ts';

/** llama-server as a pipeline has it, through `server()`: slots, context and threads as the others, all else by its defaults, which keep prefixes and batch. */
export async function served(program: LlamaServerProgram, { modelPath, atOnce, threads }: Task, signal: AbortSignal): Promise<Contender> {
  const options = resolveServerOptions(program.options({ modelPath, parallel: atOnce, contextTokens, threads }));
  const opened = await openServer(options, { clock: systemClock, signal, log: () => undefined });
  return {
    name: 'llama-server',
    ask: (questions) => askModel(opened.value.model, atOnce, questions),
    use: () => processUse(opened.value.program.pid ?? 0),
    close: () => opened.close(),
  };
}
