import { isObservable, type MonoTypeOperatorFunction, Observable, take, tap, throwIfEmpty } from 'rxjs';
import { currentScope, inScope, scopeWith } from '../src/call.ts';
import { type OptionNames, requireFunction, requireMethods, requireOptions } from '../src/check-options.ts';
import { RecordError, requireText } from '../src/errors.ts';
import type { BudgetShare, TokenBudget, TokenEstimate, TokenUsage } from '../src/policies/token-budget.ts';
import { follow } from './internal/follow.ts';
import { PolicyWait } from './internal/policy-wait.ts';
import { Spending } from './internal/spending.ts';
import { usageIn } from './internal/usage-in.ts';

export interface WithinBudgetOptions<T> {
  /**
   * The most tokens one attempt can use; asked before each attempt. `estimateCall(model, prompt, options)` knows prompt and answer
   * apart, which input limits, prices and exact settling need; `model.estimate(prompt)` knows their sum.
   */
  readonly estimate: () => Observable<TokenEstimate | number> | TokenEstimate | number;
  /** Tokens used, when `value` tells; the last one counts. @defaultValue `value.usage`, where there is one */
  readonly usageOf?: (value: T) => TokenUsage | number | undefined;
  /** With `step`, whose answers are alike: what `reserve: learnedP95()` learns by. @defaultValue '' */
  readonly model?: string;
  /** What the call is for. @defaultValue '' */
  readonly step?: string;
}

const names: OptionNames<WithinBudgetOptions<unknown>> = { estimate: true, usageOf: true, model: true, step: true };

/**
 * Lets an attempt start only when the most it can use fits into the budget, and waits, in turn, until it does. That much is
 * reserved before the call, and corrected once, on every end, to what the call has used.
 *
 * On one cold call; values pass as they come. Holds the call while it waits, and asks the source to hold back too. Complete, error,
 * timeout, unsubscribe: corrects before downstream hears of it, to the usage that was told; else to the prompt as reserved and the
 * tokens of the answer that have come, where the model tells them (all of ours do); else it stays as reserved, since the other side may
 * have counted it. A call that never started, or could not be sent, gets all back. Headers in which a provider says what is left
 * are passed on to the budget.
 *
 * Fails with `call_too_large`, at once, when the estimate is more than a whole window has; with `project_threw` when
 * there is no estimate that is a number >= 0; with the error of the estimate.
 * @throws OptionError at call time, for what is no budget, or an unknown option.
 */
export function withinBudget<T>(budget: Pick<TokenBudget, 'acquire'>, options: WithinBudgetOptions<T>): MonoTypeOperatorFunction<T> {
  requireMethods('withinBudget', budget, ['acquire'], 'given a tokenBudget({ … })');
  const { estimate, usageOf, learntBy } = checked(options);
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      let waiting: BudgetShare | undefined;
      const wait = new PolicyWait(scope, 'the token budget is spent');
      const start = (share: BudgetShare): void => {
        waiting = undefined;
        wait.end();
        const spending = new Spending(share, scope);
        const watched = source.pipe(tap({ complete: () => spending.completed() }));
        const onValue = (value: T): void => {
          spending.told = usageOf(value) ?? spending.told;
        };
        // the share may come in the middle of another call that ends, in its scope
        inScope(scopeWith(scope, { meter: spending }), () => follow(watched, out, { onValue, release: () => spending.settle() }));
      };
      const request = (tokens: TokenEstimate | number): void => {
        try {
          if (!isEstimate(tokens)) throw noEstimate(tokens);
          scope.meter?.sent(false); // of a budget further out: nothing is sent while the call waits for this one
          const share = budget.acquire({
            tokens,
            step: learntBy,
            clock: scope.clock,
            hold: wait.hold,
            granted: start,
            failed: (error) => out.error(error),
          });
          if (share.granted) return;
          waiting = share;
          wait.begin();
        } catch (error) {
          out.error(error);
        }
      };
      out.add(() => {
        waiting?.cancel();
        wait.end();
      });
      const tokens = estimate();
      if (!isObservable(tokens)) request(tokens);
      else {
        const one = tokens.pipe(
          take(1),
          throwIfEmpty(() => noEstimate(undefined)),
        );
        out.add(one.subscribe({ next: request, error: (error: unknown) => out.error(error) }));
      }
    });
}

function checked<T>(options: WithinBudgetOptions<T>) {
  requireOptions<WithinBudgetOptions<T>>('withinBudget', options, names);
  const { estimate, usageOf = usageIn, model, step } = options;
  requireFunction('withinBudget.estimate', estimate, '() => number, { inputTokens, outputTokens } or an Observable of it');
  if (model !== undefined) requireText('withinBudget.model', model);
  if (step !== undefined) requireText('withinBudget.step', step);
  return { estimate, usageOf, learntBy: `${model ?? ''}/${step ?? ''}` };
}

const isEstimate = (given: unknown): boolean =>
  typeof given === 'number'
    ? given >= 0
    : typeof given === 'object' &&
      given !== null &&
      isEstimate(Reflect.get(given, 'inputTokens')) &&
      isEstimate(Reflect.get(given, 'outputTokens'));

const noEstimate = (got: unknown): Error => {
  const shown = got === undefined ? 'none' : typeof got === 'number' ? String(got) : JSON.stringify(got);
  return new RecordError(
    'project_threw',
    `the estimate given to withinBudget must be a number >= 0, or { inputTokens, outputTokens }, got ${shown}`,
  );
};
