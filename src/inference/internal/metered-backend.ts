import { EMPTY, type Observable } from 'rxjs';
import type { ChatChunk, ModelBackend } from '../model.ts';
import { countUsage } from './count-usage.ts';
import { estimatePromptTokens, estimateTokens } from './estimate-tokens.ts';
import { metered } from './metered.ts';
import { toldAtEnd } from './told-at-end.ts';

type Telling<F extends (...args: never[]) => unknown> = (...asked: Parameters<F>) => Observable<ChatChunk>;

/** Its answers say at their end what they took. */
export interface MeteredBackend extends Omit<ModelBackend, 'chat' | 'complete'> {
  readonly chat: Telling<ModelBackend['chat']>;
  readonly complete?: Telling<NonNullable<ModelBackend['complete']>>;
}

/** The same back end, whose answers tell budgets what comes of them, and say at their end what they took; what a call has used is counted however it ends. */
export const meteredBackend = (given: ModelBackend): MeteredBackend => ({
  name: given.name,
  capabilities: given.capabilities,
  chat: (...asked) =>
    given.chat(...asked).pipe(
      toldAtEnd(given.prices),
      metered(given, () => estimatePromptTokens(asked[0])),
    ),
  countTokens: (...asked) => given.countTokens(...asked),
  ...(given.complete && {
    complete: (...asked) =>
      given.complete?.(...asked).pipe(
        toldAtEnd(given.prices),
        metered(given, () => estimateTokens(asked[0])),
      ) ?? EMPTY,
  }),
  ...(given.embed && { embed: (...asked) => given.embed?.(...asked).pipe(countUsage(given)) ?? EMPTY }),
  ...(given.rerank && { rerank: (...asked) => given.rerank?.(...asked).pipe(countUsage(given)) ?? EMPTY }),
  ...(given.infer && { infer: (...asked) => given.infer?.(...asked) ?? EMPTY }),
  ...(given.labelLogProbabilities && {
    labelLogProbabilities: (...asked) => given.labelLogProbabilities?.(...asked).pipe(countUsage(given)) ?? EMPTY,
  }),
  ...(given.state && { state: () => given.state?.() ?? EMPTY }),
  ...(given.warmUp && { warmUp: () => given.warmUp?.() ?? EMPTY }),
  ...(given.dispose && { dispose: () => given.dispose?.() ?? EMPTY }),
});
