import { isObservable, type MonoTypeOperatorFunction, Observable, take, throwIfEmpty } from 'rxjs';
import { currentScope, inScope } from '../src/call.ts';
import { type OptionNames, requireFunction, requireMethods, requireOptions } from '../src/check-options.ts';
import { RecordError } from '../src/errors.ts';
import type { BudgetShare, TokenBudget } from '../src/policies/token-budget.ts';
import { follow } from './internal/follow.ts';

export interface WithinBudgetOptions<T> {
  /** The most tokens one attempt can use, prompt and answer; asked before each attempt. `model.estimate(prompt)` knows it. */
  readonly estimate: () => Observable<number> | number;
  /** Tokens used, when `value` tells; the last one counts. @defaultValue `value.usage.totalTokens`, where there is one */
  readonly usageOf?: (value: T) => number | undefined;
}

const names: OptionNames<WithinBudgetOptions<unknown>> = { estimate: true, usageOf: true };

/**
 * Lets an attempt start only when its tokens and one request fit into the budget, and waits, in turn, until they do. The
 * estimate is spent before the call and corrected afterwards to what the call says it used.
 *
 * On one cold call; values pass as they come. Holds the call while it waits, and then asks the source to hold back too.
 * Every end corrects once, before downstream hears of it: complete, error, timeout, unsubscribe; without a known usage
 * the estimate stays spent, since the other side may have counted it. Only a call that never started gets all back.
 *
 * Fails with `call_too_large`, at once, when the estimate is more than a whole minute has; with `project_threw` when
 * there is no estimate that is a number >= 0; with the error of the estimate.
 * @throws OptionError at call time, for what is no budget, or an unknown option.
 */
export function withinBudget<T>(budget: TokenBudget, options: WithinBudgetOptions<T>): MonoTypeOperatorFunction<T> {
  requireMethods('withinBudget', budget, ['acquire'], 'given a tokenBudget({ … })');
  requireOptions<WithinBudgetOptions<T>>('withinBudget', options, names);
  const { estimate, usageOf = usageIn } = options;
  requireFunction('withinBudget.estimate', estimate, '() => number or Observable');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      let used: number | undefined;
      let waiting: BudgetShare | undefined;
      const start = (share: BudgetShare): void => {
        waiting = undefined;
        const onValue = (value: T): void => {
          used = usageOf(value) ?? used;
        };
        const release = (): void => {
          share.settle(used);
        };
        // the share may come in the middle of another call that ends, in its scope
        inScope(scope, () => follow(source, out, { onValue, release }));
      };
      const request = (tokens: number): void => {
        try {
          if (!(tokens >= 0)) throw notANumber(tokens);
          const hold = (reason: string, untilMs: number): void => {
            scope.hold(reason, untilMs);
          };
          const share = budget.acquire({ tokens, clock: scope.clock, hold, granted: start });
          if (!share.granted) waiting = share;
        } catch (error) {
          out.error(error);
        }
      };
      out.add(() => waiting?.cancel());
      const tokens = estimate();
      if (!isObservable(tokens)) request(tokens);
      else {
        out.add(
          tokens
            .pipe(
              take(1),
              throwIfEmpty(() => notANumber(undefined)),
            )
            .subscribe({
              next: request,
              error: (error: unknown) => {
                out.error(error);
              },
            }),
        );
      }
    });
}

const notANumber = (got: number | undefined): Error =>
  new RecordError(
    'project_threw',
    `the estimate given to withinBudget must be a number >= 0, got ${got === undefined ? 'none' : String(got)}`,
  );

/** Real usage, as models report it. */
function usageIn(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('usage' in value)) return undefined;
  const { usage } = value;
  if (typeof usage !== 'object' || usage === null || !('totalTokens' in usage)) return undefined;
  return typeof usage.totalTokens === 'number' && usage.totalTokens >= 0 ? usage.totalTokens : undefined;
}
