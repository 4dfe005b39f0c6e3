import { defer, type MonoTypeOperatorFunction, tap } from 'rxjs';
import { currentScope } from '../../call.ts';
import type { TokenUsage } from '../../record/token-usage.ts';
import type { ModelBackend } from '../model.ts';
import { costOf } from './cost-of.ts';

/** Tells the pipeline, for its counters and headers, what a call of this back end has used: as the value says, or the values of a list. */
export const countUsage =
  <T>({ name, prices }: Pick<ModelBackend, 'name' | 'prices'>): MonoTypeOperatorFunction<T> =>
  (source) =>
    defer(() => {
      const { used } = currentScope();
      if (used === undefined) return source;
      return source.pipe(
        tap((value) => {
          for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
            const { usage, model = name } = (one ?? {}) as { readonly usage?: TokenUsage; readonly model?: string };
            if (usage !== undefined) used({ ...usage, model, cost: prices && costOf(usage, prices) });
          }
        }),
      );
    });
