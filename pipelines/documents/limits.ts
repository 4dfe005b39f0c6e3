import { type TokenBudget, tokenBudget } from 'millrace';
import type { ResolvedSettings } from './settings.ts';

/** For models that set no limit of their own. */
const usual = { tokensPerMinute: 4_096, requestsPerMinute: 100 } as const;

/** The budget of a run: what was given, else the usual where `isLimited`; undefined where there is no limit. */
export function budgetOf({ tokensPerMinute, requestsPerMinute }: ResolvedSettings, isLimited: boolean): TokenBudget | undefined {
  const tokens = limit(tokensPerMinute, isLimited ? usual.tokensPerMinute : undefined);
  const requests = limit(requestsPerMinute, isLimited ? usual.requestsPerMinute : undefined);
  if (tokens === undefined && requests === undefined) return undefined;
  return tokenBudget({
    ...(tokens !== undefined && { tokensPerMinute: tokens }),
    ...(requests !== undefined && { requestsPerMinute: requests }),
  });
}

const limit = (given: number | 'none' | undefined, otherwise: number | undefined): number | undefined =>
  given === 'none' ? undefined : (given ?? otherwise);
