import { Observable, of } from 'rxjs';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { resolveEngineOptions } from '../../../src/inference/llama/engine-options.ts';
import { llamaBackend } from '../../../src/inference/llama/llama-backend.ts';
import { ModelPool } from '../../../src/inference/llama/model-pool.ts';
import type { EngineSettings } from '../../../src/inference/llama/protocol.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import type { Resource } from '../../../src/resource.ts';
import type { Model } from '../../../src/inference/model.ts';
import { serveModels } from '../../../src/service/serve-models.ts';

const settings: EngineSettings = {
  ...{ modelPath: 'none', modelIdentity: '', gpu: false, contextTokens: 4_096, sequences: 4, threads: 1 },
  ...{ flashAttention: false, embeddings: false, memoryShare: 1, tuning: resolveEngineOptions({}, false) },
};
const entry = new URL('../../inference/llama/fake-child.ts', import.meta.url);

/**
 * A service of four models: `pool`, two processes that keep the engine's protocol and compute nothing; `idle`, which says a word and then nothing; `flood`, which never stops
 * talking; `one`, with one place and one to wait.
 */
export async function openScene() {
  let pool: ModelPool | undefined;
  let flooding = 0;
  const processes: Resource<Model> = {
    name: 'pool',
    open: async (context) => {
      const placements = [0, 1].map(() => ({ env: {}, cpus: undefined }));
      const started = await ModelPool.start({ settings, placements, maxWaiting: 100, context, entry });
      ({ pool } = started);
      return { value: completeModel(llamaBackend(started.pool, 'pool', started.facts, false)), close: () => started.pool.close() };
    },
  };
  const { capabilities } = scripted('');
  const text = 'x'.repeat(64 * 1024);
  const flood = completeModel({
    ...{ name: 'flood', capabilities, countTokens: () => of(1) },
    chat: () =>
      new Observable<{ readonly text: string; readonly index: number }>((out) => {
        flooding += 1;
        const timer = setInterval(() => out.next({ text, index: 0 }), 1);
        return () => {
          flooding -= 1;
          clearInterval(timer);
        };
      }),
  });
  const idle = scripted('one two', { tokenMs: 600_000 });
  const opened = (value: Model): Resource<Model> => ({
    name: value.name,
    open: () => Promise.resolve({ value, close: () => Promise.resolve() }),
  });
  const service = await serveModels({
    models: { pool: processes, idle, flood: opened(flood) },
    ...{ port: 0, log: silentLog, concurrency: 1_000, slowReaderMs: 1_000, maxConnections: 2_048 },
  });
  const narrow = await serveModels({
    models: { one: scripted('one two', { tokenMs: 600_000 }) },
    port: 0,
    log: silentLog,
    concurrency: 1,
    maxWaiting: 1,
  });
  const kill = (): void => {
    for (const pid of pool?.pids ?? []) process.kill(pid, 'SIGKILL');
  };
  const close = async (): Promise<void> => {
    await Promise.all([service.close(), narrow.close()]);
  };
  return { service, narrow, idle, kill, pids: () => pool?.pids ?? [], flooding: () => flooding, close };
}

export type Scene = Awaited<ReturnType<typeof openScene>>;
