import { concatMap, map, type Observable } from 'rxjs';
import type { ChatChunk, ModelBackend } from '../model.ts';
import type { ModelProcess } from './model-process.ts';
import type { EngineActivity, EngineFacts, Work, WorkResults } from './protocol.ts';

/** A model's process as a back end. What it measures is told by {@link LlamaBackend.activity}. */
export interface LlamaBackend extends ModelBackend {
  /** Emits what the engine has done and does. */
  activity(): Observable<EngineActivity>;
}

/** Makes a back end of a running process. `name` is what was asked for; answers carry the name that the file gives. */
export function llamaBackend(process: ModelProcess, name: string, facts: EngineFacts, embeddings: boolean): LlamaBackend {
  const ask = <K extends keyof WorkResults & Work['kind']>(work: Work & { readonly kind: K }): Observable<WorkResults[K]> =>
    process.run(work).pipe(concatMap((event) => (event.kind === 'done' ? [event.result as WorkResults[K]] : [])));
  const backend: LlamaBackend = {
    name,
    capabilities: {
      contextTokens: facts.contextTokens,
      jsonSchema: true,
      logProbabilities: true,
      embeddings,
      completion: false,
      reranking: false,
      tensors: false,
      sampling: ['topP', 'seed'],
      exactTokens: true,
    },
    chat: (turns, { maxTokens = 512, temperature = 0, topP, seed, stop = [], jsonSchema }) =>
      process.run({ kind: 'chat', turns, settings: { maxTokens, temperature, topP, seed, stop, jsonSchema } }).pipe(
        concatMap((event, index): ChatChunk[] => {
          if (event.kind === 'text') return [{ text: event.text, index }];
          if (event.kind === 'failed') return [];
          const { usage, finishReason } = event.result as WorkResults['chat'];
          return [{ text: '', index, usage, finishReason, model: name }];
        }),
      ),
    labelLogProbabilities: (turns, labels) => ask({ kind: 'labels', turns, labels }),
    countTokens: (turns) => ask({ kind: 'count', turns }).pipe(map(({ tokens }) => tokens)),
    activity: () => ask({ kind: 'activity' }),
  };
  if (!embeddings) return backend;
  const embed: NonNullable<ModelBackend['embed']> = (texts) =>
    ask({ kind: 'embed', texts }).pipe(
      map(({ vectors, usages }) => vectors.map((vector, index) => ({ vector, usage: usages[index] ?? noUsage, model: name }))),
    );
  return { ...backend, embed };
}

const noUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, totalTokens: 0 };
