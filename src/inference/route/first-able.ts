import { defer, map, type Observable } from 'rxjs';
import { missing } from '../internal/capability.ts';
import { resolveChatOptions } from '../internal/chat-options.ts';
import type { Model, Prompt } from '../model.ts';
import type { PoolDoor } from './pool-door.ts';
import { ofSome, pooledCapabilities, pooledState } from './pooled.ts';

type OfFirst = Pick<Model, 'capabilities' | 'embed' | 'rerank' | 'infer' | 'countTokens' | 'estimate' | 'state' | 'warmUp' | 'dispose'>;

/**
 * What several models are asked for of which one answer is enough, or cannot be weighed against another: vectors, ranks and tensors come from the first that makes
 * them, tokens are counted by the first of all. An estimate is of all together, since all may be asked.
 */
export function callsOfFirst(name: string, models: readonly Model[], door: PoolDoor): OfFirst {
  const first = <T>(capability: 'embeddings' | 'reranking' | 'tensors', work: (model: Model) => Observable<T>): Observable<T> => {
    const able = models.find(({ capabilities }) => capabilities[capability]);
    return able ? work(able) : missing(name, capability);
  };
  const countTokens = (prompt: Prompt): Observable<number> => (models[0] as Model).countTokens(prompt);
  return {
    capabilities: pooledCapabilities(models),
    embed: (texts, ctx) => first('embeddings', (model) => model.embed(texts, ctx)),
    rerank: (query, documents, ctx) => first('reranking', (model) => model.rerank(query, documents, ctx)),
    infer: (inputs, ctx) => first('tensors', (model) => model.infer(inputs, ctx)),
    countTokens,
    estimate: (prompt, options) => {
      const { maxTokens } = resolveChatOptions(options, 'answer');
      return countTokens(prompt).pipe(map((tokens) => (tokens + maxTokens) * models.length));
    },
    state: () => defer(() => pooledState(models)),
    warmUp: () => ofSome(models, (model) => model.warmUp()),
    dispose: () =>
      defer(() => {
        door.end();
        return ofSome(models, (model) => model.dispose());
      }),
  };
}
