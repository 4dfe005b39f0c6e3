import { defer, map, type Observable } from 'rxjs';
import type { WatchedPolicy } from '../../policies/policy-state.ts';
import { resolveChatOptions } from '../internal/chat-options.ts';
import { estimateTokens } from '../internal/estimate-tokens.ts';
import type { ChatChunk, Model, Prompt } from '../model.ts';
import { describedPool } from './described-pool.ts';
import { type Ask, askOfLabels, askOfPrompt, askOfTexts } from './needs.ts';
import type { PoolDoor } from './pool-door.ts';
import { ofSome, pooledCapabilities, pooledState } from './pooled.ts';
import type { Router } from './router.ts';

/** A pool of models that is used as one, and tells how its members fare. */
export interface RoutedModel extends Model, WatchedPolicy {}

/** The calls of a pool. Options are checked at the call, by a member. */
export function routedModel(name: string, router: Router, door: PoolDoor): RoutedModel {
  const counted = (prompt: Prompt): Observable<number> => {
    checkedBy(router, (model) => model.countTokens(prompt));
    // always by the same one while it is well: counts of two tokenizers cannot be compared
    return router.count((model) => model.countTokens(prompt));
  };
  const calls = door.calls({ ...streamedCalls(router), ...wholeCalls(router), ...dataCalls(router), countTokens: counted });
  return {
    name,
    get capabilities() {
      return pooledCapabilities(router.models);
    },
    ...calls,
    estimate: (prompt, options) => {
      const { maxTokens } = resolveChatOptions(options, 'answer');
      return calls.countTokens(prompt).pipe(map((tokens) => tokens + maxTokens));
    },
    state: () => defer(() => pooledState(router.models)),
    warmUp: () => ofSome(router.models, (model) => model.warmUp()),
    dispose: () =>
      defer(() => {
        door.end();
        return ofSome(router.models, (model) => model.dispose());
      }),
    describe: (nowMs) => describedPool(name, router, nowMs),
  };
}

/** Whoever answers in the end, options that are wrong are so at the call. */
function checkedBy(router: Router, call: (model: Model) => unknown): void {
  const [first] = router.models;
  if (first) call(first);
}

function streamedCalls(router: Router): Pick<Model, 'chat' | 'complete'> {
  const stream = (kind: string, ask: Ask, work: (model: Model) => Observable<ChatChunk>): Observable<ChatChunk> => {
    checkedBy(router, work);
    return router.call({ kind, ask: () => ask, work, tokensIn });
  };
  return {
    chat: (prompt, options, ctx) => stream('chat', askOfPrompt(prompt, options), (model) => model.chat(prompt, options, ctx)),
    complete: (text, options, ctx) =>
      stream('complete', { ...askOfPrompt(text, options), capability: 'completion' }, (model) => model.complete(text, options, ctx)),
  };
}

const tokensIn = ({ text }: ChatChunk): number => (text === '' ? 0 : Math.max(1, estimateTokens(text)));

/** A call whose result comes at once. */
function whole<T>(router: Router, kind: string, ask: () => Ask, work: (model: Model) => Observable<T>): Observable<T> {
  checkedBy(router, work);
  return router.call({ kind, ask, work });
}

function wholeCalls(router: Router): Pick<Model, 'answer' | 'classify'> {
  return {
    answer: (prompt, options, ctx) =>
      whole(
        router,
        'answer',
        () => askOfPrompt(prompt, options),
        (model) => model.answer(prompt, options, ctx),
      ),
    classify: (prompt, options, ctx) =>
      whole(
        router,
        'classify',
        () => askOfLabels(prompt),
        (model) => model.classify(prompt, options, ctx),
      ),
  };
}

function dataCalls(router: Router): Pick<Model, 'embed' | 'rerank' | 'infer'> {
  let embedder: string | undefined;
  /** Vectors of two models cannot be compared: the first that makes any stays the only one, with those of its name. */
  const only = (): string | undefined => (embedder ??= router.models.find(({ capabilities }) => capabilities.embeddings)?.name);
  return {
    embed: (texts, ctx) =>
      whole(
        router,
        'embed',
        () => askOfTexts('embeddings', texts, only()),
        (model) => model.embed(texts, ctx),
      ),
    rerank: (query, documents, ctx) =>
      whole(
        router,
        'rerank',
        () => askOfTexts('reranking', [query, ...documents]),
        (model) => model.rerank(query, documents, ctx),
      ),
    infer: (inputs, ctx) =>
      whole(
        router,
        'infer',
        () => askOfTexts('tensors', []),
        (model) => model.infer(inputs, ctx),
      ),
  };
}
