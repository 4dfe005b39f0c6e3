import { Observable } from 'rxjs';
import type { CallContext } from '../src/call.ts';
import { type OptionNames, requireFunction, requireOptions } from '../src/check-options.ts';
import { type Grade, requireInteger } from '../src/errors.ts';
import { BisectedCall, type BisectRules } from './internal/bisected-call.ts';
import { Bisection, type Results } from './internal/bisection.state.ts';
import { observableOf } from './internal/observable-of.ts';
import type { Project, PromisesGoInCall } from './internal/run-call.ts';

export interface BisectOnErrorOptions {
  /** Most calls for one batch, attempts of a retry aside; at least 1, which cuts nothing. @defaultValue as many as it takes: 2n - 1 of n members at most */
  readonly maxCalls?: number;
  /** Whether calls for fewer members could do better after `error`; never asked for an AbortError. @defaultValue grade `record` */
  readonly bisectIf?: (error: unknown, grade: Grade) => boolean;
}

/**
 * Makes a call for a batch that does not fall with one bad member: what fails for a reason of the record (a content filter,
 * a prompt that is too long, an answer with too few results) is cut in two, and a call made for each half, until the bad
 * member stands alone. Give it to `mapConcurrent`, between `batchWithin` or `batchDynamic` and `unbatch`.
 *
 * In the members' values; out, once, an array with the result of each member in their order: what `project` gave for it, or
 * an Error, with which `unbatch` fails that member alone. A call that gives other than one result a member is cut like one
 * that fails.
 *
 * For b bad members of n at most 1 + 2b * ceil(log2 n) calls, and never more than 2n - 1 or `maxCalls`: one bad member of 32
 * costs 11 calls, of 1,000 it costs 21. Calls run one at a time, the larger slices first. When `maxCalls` are made, members
 * that still stand with a bad one fail with `not_singled_out`, whose cause is the last error of their slice. All this takes
 * the batch's time: at the earliest deadline of its members the whole of it fails.
 *
 * Policies go inside, on each call. A call that fails for another reason after its retries fails its slice, not what was cut
 * from it; the first call fails the batch. Without `retryWithBackoff` inside, the retry around it (the pipeline's default)
 * goes on where it failed: what has a result is not called again.
 * Holds a result for each member. Complete: after the array. Unsubscribe: aborts the call that runs.
 * Error: of the first call, when it is none to cut in two; of any call, when it stops the pipeline, was aborted, or has had no retry.
 * @throws OptionError at call time, for an option outside its range.
 * @see AWS Lambda's `BisectBatchOnFunctionError`, which makes the calls for good members again with each cut.
 */
export function bisectOnError<T, R>(
  project: (values: readonly T[], ctx: CallContext) => Observable<readonly R[]> | PromisesGoInCall,
  options: BisectOnErrorOptions = {},
): Project<readonly T[], Results<R>> {
  requireFunction('bisectOnError.project', project, '(values, ctx) => Observable');
  const rules = checked(options);
  return (values, ctx) => {
    const begin = (): Bisection<R> => new Bisection(values.length, rules.maxCalls);
    let bisection = begin(); // kept over a retry from outside: what has a result is not called again
    return new Observable<Results<R>>((out) => {
      const callFor = (start: number, end: number): Observable<readonly R[]> =>
        observableOf('bisectOnError', project(values.slice(start, end), ctx));
      const done = (results: Results<R>): void => {
        bisection = begin(); // who subscribes after the end wants it done again
        out.next(results);
        out.complete();
      };
      const running = new BisectedCall({ bisection, callFor, rules, out, done });
      out.add(() => {
        running.stop();
      });
      running.goOn();
    });
  };
}

const names: OptionNames<BisectOnErrorOptions> = { maxCalls: true, bisectIf: true };

function checked(options: BisectOnErrorOptions): BisectRules {
  requireOptions('bisectOnError', options, names);
  const { maxCalls = Infinity, bisectIf = isOfTheRecord } = options;
  if (maxCalls !== Infinity) requireInteger('bisectOnError.maxCalls', maxCalls, 1);
  requireFunction('bisectOnError.bisectIf', bisectIf, '(error, grade) => boolean');
  return { maxCalls, bisectIf };
}

const isOfTheRecord = (_error: unknown, grade: Grade): boolean => grade === 'record';
