import { EMPTY } from 'rxjs';
import type { ModelBackend } from '../model.ts';
import { countUsage } from './count-usage.ts';
import { estimatePromptTokens, estimateTokens } from './estimate-tokens.ts';
import { metered } from './metered.ts';
import { toldAtEnd } from './told-at-end.ts';

/** The same back end, whose answers tell budgets what comes of them, and say at their end what they took; what a call has used is counted however it ends. */
export const meteredBackend = (given: ModelBackend): ModelBackend => ({
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
