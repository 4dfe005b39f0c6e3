import { isObservable, Observable, type OperatorFunction, Subscription } from 'rxjs';
import { currentScope, inScope, scopeWith } from '../src/call.ts';
import { type OptionNames, requireFunction, requireOptions } from '../src/check-options.ts';
import { classify } from '../src/classify.ts';
import { type Grade, isAbortError, isRetryable, OptionError, requireText } from '../src/errors.ts';
import { whileWanted } from './internal/operate.ts';

export interface FallbackToOptions {
  /** What outputs say in their header `millrace-degraded`, and `ctx.degraded`; up to 100 characters. @defaultValue 'fallback' */
  readonly step?: string;
  /** Whether `error` is one to stand in for; never asked for an AbortError. @defaultValue grade `transient`, `overload` or `resource` */
  readonly when?: (error: unknown, grade: Grade) => boolean;
}

const names: OptionNames<FallbackToOptions> = { step: true, when: true };
const longestStep = 100;

/**
 * Makes another call where one has failed for a reason that lies with its service: a smaller model, a rule, a default. Several in a row are a chain,
 * each for what the one before could not do either. Put it outermost: around the retries, which are made first. An open breaker inside of it
 * makes nobody wait: calls come here at once.
 *
 * On one cold call; values pass as they come, those of `other` marked as degraded: outputs bear the header `millrace-degraded` with `step`.
 * A call that fails after it has emitted fails: downstream has its pieces. Holds nothing. Complete: passed on. Error: what `when` does not take, an
 * AbortError, and the error of `other`. Unsubscribe: aborts whichever runs. Overloads that it takes count as attempts of a retry inside, which would wait for them for ever.
 *
 * @param other a cold call, or what makes one of the error; a throw in it, or in `when`, fails the call.
 * @throws OptionError at call time, for what is neither, and for an option outside its range.
 * @see Polly's `Fallback`; "graceful degradation" in the SRE book.
 */
export function fallbackTo<T, R = T>(
  other: Observable<R> | ((error: unknown) => Observable<R>),
  options: FallbackToOptions = {},
): OperatorFunction<T, T | R> {
  if (!isObservable(other)) requireFunction('fallbackTo', other, '(error) => Observable, or a cold call');
  const { step, when } = checked(options);
  const takes = (error: unknown): boolean => !isAbortError(error) && when(error, classify(error));
  return (source) =>
    new Observable<T | R>((out) => {
      const scope = currentScope();
      let hasEmitted = false;
      const takesOver = (error: unknown): boolean => (!hasEmitted && quietly(takes, error)) || scope.takesOver(error);
      const standIn = (error: unknown): void => {
        const next = isObservable(other) ? other : other(error);
        const undo = scope.degrade(step);
        inScope(scope, () =>
          out.add(
            whileWanted(next, out).subscribe({
              next: (value) => {
                out.next(value);
              },
              error: (failure: unknown) => {
                undo(); // the next in the chain may do
                out.error(failure);
              },
              complete: () => {
                out.complete();
              },
            }),
          ),
        );
      };
      const first = new Subscription();
      out.add(first);
      inScope(scopeWith(scope, { takesOver }), () =>
        first.add(
          whileWanted(source, out).subscribe({
            next: (value) => {
              hasEmitted = true;
              out.next(value);
            },
            error: (error: unknown) => {
              first.unsubscribe(); // first: what it held is free for the one that stands in
              try {
                if (!hasEmitted && takes(error)) standIn(error);
                else out.error(error);
              } catch (thrown) {
                out.error(thrown);
              }
            },
            complete: () => {
              out.complete();
            },
          }),
        ),
      );
    });
}

/** The question comes in the middle of another operator's decision: what it throws is thrown where the error arrives. */
function quietly(takes: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return takes(error);
  } catch {
    return true;
  }
}

function checked(options: FallbackToOptions): Required<FallbackToOptions> {
  requireOptions('fallbackTo', options, names);
  const { step = 'fallback', when = (_error: unknown, grade: Grade): boolean => isRetryable(grade) } = options;
  requireText('fallbackTo.step', step);
  if (step.length > longestStep)
    throw new OptionError(`fallbackTo.step must have at most ${String(longestStep)} characters, got ${String(step.length)}`);
  requireFunction('fallbackTo.when', when, '(error, grade) => boolean');
  return { step, when };
}
