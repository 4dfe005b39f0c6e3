import { concatMap, defer, ignoreElements, map, type Observable, type OperatorFunction } from 'rxjs';
import { noUsage } from '../internal/collect.ts';
import type { BackendChunk, ChatOptions, ModelBackend } from '../model.ts';
import type { ModelPool } from './model-pool.ts';
import type { ChatSettings, EngineActivity, EngineFacts, Work, WorkEvent, WorkResults } from './protocol.ts';

/** A model's processes as a back end. What it measures is told by {@link LlamaBackend.activity}. */
export interface LlamaBackend extends ModelBackend {
  /** Emits what the engine has done and does. */
  activity(): Observable<EngineActivity>;
}

/** Makes a back end of running processes. `name` is what was asked for; answers carry the name that the file gives. */
export function llamaBackend(pool: ModelPool, name: string, facts: EngineFacts, embeddings: boolean): LlamaBackend {
  const ask = <K extends keyof WorkResults & Work['kind']>(work: Work & { readonly kind: K }): Observable<WorkResults[K]> =>
    pool.run(work).pipe(concatMap((event) => (event.kind === 'done' ? [event.result as WorkResults[K]] : [])));
  const backend: LlamaBackend = {
    name,
    capabilities: {
      contextTokens: facts.contextTokens,
      jsonSchema: true,
      logProbabilities: true,
      embeddings,
      completion: true,
      reranking: false,
      tensors: false,
      sampling: ['topP', 'topK', 'minP', 'seed', 'stopTokens', 'logProbabilities'],
      exactTokens: true,
    },
    chat: (turns, options) => pool.run({ kind: 'chat', turns, settings: settingsOf(options) }).pipe(piecesOf(name)),
    complete: (text, options) => pool.run({ kind: 'complete', text, settings: settingsOf(options) }).pipe(piecesOf(name)),
    labelLogProbabilities: (turns, labels) => ask({ kind: 'labels', turns, labels }),
    countTokens: (turns) => ask({ kind: 'count', turns }).pipe(map(({ tokens }) => tokens)),
    activity: () => defer(() => pool.activity()),
    state: () => defer(() => pool.state()),
    warmUp: () => defer(() => pool.warmUp()).pipe(ignoreElements()),
    dispose: () => defer(() => pool.close()).pipe(ignoreElements()),
  };
  if (!embeddings) return backend;
  const embed: NonNullable<ModelBackend['embed']> = (texts) =>
    ask({ kind: 'embed', texts }).pipe(
      map(({ vectors, usages }) => vectors.map((vector, index) => ({ vector, usage: usages[index] ?? noUsage, model: name }))),
    );
  return { ...backend, embed };
}

function settingsOf(options: ChatOptions): ChatSettings {
  const { maxTokens = 512, temperature = 0, topP, topK, minP, seed, stop = [], stopTokens = [], logProbabilities, jsonSchema } = options;
  return { maxTokens, temperature, topP, topK, minP, seed, stop, stopTokens, logProbabilities, jsonSchema };
}

const piecesOf =
  (model: string): OperatorFunction<WorkEvent, BackendChunk> =>
  (events) =>
    defer(() => {
      let told = 0;
      return events.pipe(
        concatMap((event, index): BackendChunk[] => {
          if (event.kind === 'text') {
            const { text, tokenCount, tokens } = event;
            told += tokenCount;
            return [{ text, index, tokenCount, ...(tokens && { tokens }) }];
          }
          if (event.kind !== 'done') return [];
          const { usage, finishReason, timings } = event.result as WorkResults['chat'];
          // what a stop string has cut off, or is no text, belongs to no other piece
          return [{ text: '', index, tokenCount: usage.outputTokens - told, usage, finishReason, model, timings }];
        }),
      );
    });
