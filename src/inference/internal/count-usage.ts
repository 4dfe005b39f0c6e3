import { defer, type MonoTypeOperatorFunction, tap } from 'rxjs';
import { currentScope } from '../../call.ts';
import type { TokenUsage } from '../../record/run.ts';

/** Tells the pipeline, for its counters, what a call has used: as the value says, or the values of a list. */
export const countUsage =
  <T>(): MonoTypeOperatorFunction<T> =>
  (source) =>
    defer(() => {
      const { used } = currentScope();
      if (used === undefined) return source;
      return source.pipe(
        tap((value) => {
          for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
            const usage = usageOf(one);
            if (usage !== undefined) used(usage);
          }
        }),
      );
    });

const usageOf = (value: unknown): TokenUsage | undefined => (value as { readonly usage?: TokenUsage } | undefined)?.usage;
