// A service in front of one model, and that same model called directly: what differs between the two is the service.
import { systemClock } from '../../../src/clock.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { openLlama } from '../../../src/inference/llama/llama.ts';
import { resolveLlamaOptions } from '../../../src/inference/llama/llama-options.ts';
import type { Model } from '../../../src/inference/model.ts';
import { openServer } from '../../../src/inference/openai/server/server.ts';
import { resolveServerOptions } from '../../../src/inference/openai/server/server-options.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { serveModels } from '../../../src/service/serve-models.ts';
import { llamaServerProgram } from '../../helpers/llama-server.ts';
import { quietContext } from '../../helpers/embedded-model.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { askModel } from '../models/ask-model.ts';
import { contextTokens, type Task } from '../models/work.ts';

export interface ServingTask extends Task {
  readonly via: 'llama' | 'llama-server';
}

const { modelPath, atOnce, threads, via } = givenToWorker() as ServingTask;

interface Behind {
  readonly model: Model;
  /** Of the program itself, where it is one. */
  readonly url?: string;
  readonly close: () => Promise<void>;
}

async function embedded(): Promise<Behind> {
  const options = resolveLlamaOptions({ model: modelPath, sequences: atOnce, threads, contextTokens, embeddings: false });
  const { value, close } = await openLlama(options, quietContext());
  return { model: completeModel(value.backend), close };
}

async function program(): Promise<Behind> {
  const found = await llamaServerProgram();
  if (!('name' in found)) throw new Error(found.reason);
  const options = resolveServerOptions(found.options({ modelPath, parallel: atOnce, contextTokens, threads }));
  const { value, close } = await openServer(options, quietContext());
  return { model: value.model, url: value.program.origin, close };
}

const behind = via === 'llama' ? await embedded() : await program();
const service = await serveModels({
  models: { m: { name: 'm', open: () => Promise.resolve({ value: behind.model, close: () => Promise.resolve() }) } },
  ...{ port: 0, concurrency: atOnce, log: silentLog, clock: systemClock },
});

process.on('message', (message: string) => {
  void askModel(behind.model, atOnce, JSON.parse(message) as readonly string[]).then((round) => reportFrom('round', round));
});
process.on('disconnect', () => {
  void service
    .close()
    .then(() => behind.close())
    .finally(() => process.exit(0));
});
reportFrom('ready', { url: service.url, programUrl: behind.url ?? null });
