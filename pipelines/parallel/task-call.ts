import {
  defaultIfEmpty,
  defer,
  forkJoin,
  isObservable,
  map,
  type MonoTypeOperatorFunction,
  Observable,
  of,
  type OperatorFunction,
  takeLast,
  takeUntil,
  tap,
  throwIfEmpty,
} from 'rxjs';
import {
  type CallContext,
  type CircuitBreaker,
  type Journal,
  type Model,
  OptionError,
  type Prompt,
  type RateLimit,
  RecordError,
} from 'millrace';
import {
  bisectOnError,
  callTimeout,
  fallbackTo,
  journaled,
  retryWithBackoff,
  withinBudget,
  withinRate,
  withPermit,
} from 'millrace/operators';
import { behindBreaker } from './behind-breaker.ts';
import { type AskBatch, journaledBatch } from './journaled-batch.ts';
import type { ResolvedOptions, Work } from './parallel-options.ts';
import type { Task } from './task.ts';

/** What comes of a task's call; without a value where the task has ended meanwhile. */
export interface Outcome<In, Out> {
  readonly task: Task<In, Out>;
  readonly value?: { readonly is: Out };
}

/** What calls share. */
export interface CallParts<In, Out> {
  readonly options: ResolvedOptions<In, Out>;
  readonly model: Model | undefined;
  readonly rate: RateLimit;
  readonly breaker: CircuitBreaker | undefined;
  readonly journal: Journal | undefined;
}

const workOf = ({ model }: Pick<CallParts<unknown, unknown>, 'model'>, ctx: CallContext): Work => ({
  ctx,
  get model(): Model {
    if (!model) throw new OptionError('expected parallel({ model }), got none: give the engine the model that its tasks ask');
    return model;
  },
});

/** Around one attempt, and around all: the order is that of operators/stacking.md. */
function policies<In, Out, T>(parts: CallParts<In, Out>, inputs: readonly In[]): OperatorFunction<T, T> {
  const { options, model, rate, breaker } = parts;
  const { timeoutMs, permits, budget, attempts } = options;
  const attempt = (call: Observable<T>): Observable<T> => {
    let made = call.pipe(callTimeout({ ms: timeoutMs }));
    if (permits) made = made.pipe(withPermit(permits));
    made = made.pipe(withinRate(rate));
    if (budget && model) made = made.pipe(withinBudget(budget, { estimate: () => estimateOf(model, inputs) }));
    return made;
  };
  return (call) =>
    (breaker ? attempt(call).pipe(behindBreaker(breaker)) : attempt(call)).pipe(
      retryWithBackoff({ attempts, initialMs: 1_000, maxMs: 30_000 }),
    );
}

/** Of a batch what its prompts take together: they may be turns, which are no text. */
const estimateOf = (model: Model, inputs: readonly unknown[]): Observable<number> =>
  forkJoin(inputs.map((one) => model.estimate(one as Prompt))).pipe(map((tokens) => tokens.reduce((sum, one) => sum + one, 0)));

/** What else RxJS would take for a stream: of a text it would give the last letter. */
function requireCold<T>(name: string, given: Observable<T>): Observable<T> {
  if (isObservable(given)) return given;
  const got: unknown = given; // of code that no compiler may have seen
  throw new RecordError(
    'project_threw',
    `expected ${name} to return an Observable, got ${got instanceof Promise ? 'a promise' : `a value of type ${typeof got}`}: put an async function into call(async () => …), a plain value into of(…)`,
  );
}

const noResult = (): RecordError =>
  new RecordError('no_result', 'expected a result of the task, got none: emit one value, null for nothing');

/** The call of one task. */
export function taskCall<In, Out>(parts: CallParts<In, Out>): (task: Task<In, Out>, ctx: CallContext) => Observable<Outcome<In, Out>> {
  const { work, fallback, journal: journalOptions } = parts.options;
  const run = 'run' in work ? work.run : undefined;
  if (!run) throw new OptionError('expected run');
  const { journal } = parts;
  return (task, ctx) => {
    if (task.isOver) return of({ task });
    const { input } = task.facts;
    let made = defer(() => requireCold('run', run(input, workOf(parts, ctx)))).pipe(
      takeLast(1),
      throwIfEmpty(noResult),
      policies(parts, [input]),
    );
    if (journal && journalOptions) made = made.pipe(journaled(journal, { key: { of: journalOptions.key, input } }));
    if (fallback) made = made.pipe(fallbackTo(() => fallback(input, workOf(parts, ctx)).pipe(takeLast(1))));
    return made.pipe(
      map((is): Outcome<In, Out> => ({ task, value: { is } })),
      noting([task]),
      takeUntil(over([task])),
      defaultIfEmpty<Outcome<In, Out>, Outcome<In, Out>>({ task }),
    );
  };
}

/** The call of a batch: what fails for memory, or for one of its tasks, is cut in two until that one stands alone. */
export function batchCall<In, Out>(parts: CallParts<In, Out>) {
  const { work } = parts.options;
  const runBatch = 'runBatch' in work ? work.runBatch : undefined;
  if (!runBatch) throw new OptionError('expected runBatch');
  const one = (tasks: readonly Task<In, Out>[], ctx: CallContext): Observable<readonly (Outcome<In, Out> | Error)[]> => {
    const live = tasks.filter((task) => !task.isOver);
    if (live.length === 0) return of(tasks.map((task) => ({ task })));
    const ask: AskBatch<In, Out> = (inputs) =>
      defer(() => requireCold('runBatch', runBatch(inputs, workOf(parts, ctx)))).pipe(
        takeLast(1),
        throwIfEmpty(noResult),
        map((results) => requireAsMany(results, inputs.length)),
        policies(parts, inputs),
      );
    const inputs = live.map((task) => task.facts.input);
    const { journal } = parts;
    const key = parts.options.journal?.key;
    return (journal && key !== undefined ? journaledBatch(journal, key, ask)(inputs) : ask(inputs)).pipe(
      map((results) => {
        const values = results.values();
        const called = new Set(live);
        return tasks.map((task): Outcome<In, Out> | Error =>
          called.has(task) ? outcomeOf(task, values.next().value as Out | Error) : { task },
        );
      }),
      noting(live),
      takeUntil(over(live)),
      defaultIfEmpty<readonly (Outcome<In, Out> | Error)[], readonly (Outcome<In, Out> | Error)[]>(tasks.map((task) => ({ task }))),
    );
  };
  return bisectOnError(one, { bisectIf: (_, grade) => grade === 'record' || grade === 'resource' });
}

function outcomeOf<In, Out>(task: Task<In, Out>, result: Out | Error): Outcome<In, Out> | Error {
  if (!(result instanceof Error)) return { task, value: { is: result } };
  task.failure = result;
  return result;
}

function requireAsMany<T>(results: readonly T[], count: number): readonly T[] {
  const given: unknown = results; // of code that no compiler may have seen
  const isList = Array.isArray(given);
  if (isList && results.length === count) return results;
  const got = isList ? `${String(results.length)} results` : `a value of type ${typeof results}`;
  throw new RecordError(
    'batch_size_mismatch',
    `expected ${String(count)} results of runBatch, one for each input in their order, got ${got}`,
  );
}

/** Remembers what a call failed with. */
const noting = <In, Out, T>(tasks: readonly Task<In, Out>[]): MonoTypeOperatorFunction<T> =>
  tap({
    error: (error: unknown) => {
      for (const task of tasks) task.failure = error;
    },
  });

/** Emits when all of the tasks have ended otherwise: nobody waits for the call any more. */
const over = <In, Out>(tasks: readonly Task<In, Out>[]): Observable<void> =>
  new Observable((out) => {
    let left = tasks.length;
    for (const task of tasks)
      out.add(
        task.whenOver(() => {
          left -= 1;
          if (left === 0) out.next();
        }),
      );
  });
