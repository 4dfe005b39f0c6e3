import { createHash } from 'node:crypto';
import {
  type CallContext,
  type CircuitBreaker,
  classify,
  estimateCall,
  isStreamError,
  type Journal,
  type Model,
  type Permits,
  type TokenBudget,
} from 'millrace';
import { callTimeout, fallbackTo, journaled, retryWithBackoff, withBreaker, withinBudget, withPermit } from 'millrace/operators';
import { concatMap, defer, map, type MonoTypeOperatorFunction, type Observable, of, tap } from 'rxjs';
import type { Json } from './merge/merge-extractions.ts';
import type { ResolvedSettings } from './settings.ts';
import type { Asked, Question } from './tasks/task.ts';

/** A model and what stands between it and its callers. */
export interface AskedModel {
  /** As its answers are known by. */
  readonly name: string;
  readonly model: Model;
  readonly breaker: CircuitBreaker;
}

export interface AskParts {
  readonly journal: Journal;
  /** Of all calls. */
  readonly slots: Permits;
  /** Of those that are made again since there was too much at once. */
  readonly alone: Permits;
  /** For models that set no limit of their own. */
  readonly budget: TokenBudget | undefined;
  readonly fallback: AskedModel | undefined;
  /** Told of each call that a model has answered. */
  readonly onCall?: (() => void) | undefined;
  readonly settings: Pick<ResolvedSettings, 'timeoutMs' | 'attempts' | 'temperature'>;
}

/** An answer as the journal keeps it. */
export interface Answered extends Asked {
  readonly model: string;
  readonly degraded: readonly string[];
}

/** An answer, and whether it was made now. */
export interface Heard extends Answered {
  readonly isNew: boolean;
}

const firstWaitMs = 1_000;
const longestWaitMs = 64_000;
/** A text is cut in half so often, before that much of it is no answer about it any more. */
const mostHalvings = 2;

const tooMuchAtOnce = new Set(['resource_exhausted', 'call_timeout', 'model_crashed']);
const tooLong = new Set([...tooMuchAtOnce, 'prompt_too_long', 'answer_truncated']);

/**
 * Asks one question about one text, under all policies: attempts with their timeout, permits, budget, breaker. What was answered before, in this run or an earlier one, is read from the
 * journal, and no call is made.
 *
 * Where that fails, in this order: the same call again, alone (`smaller-batch`), where it was too much at once; half of the text, then a quarter (`shorter-prompt`), where it was too long; another
 * model (`fallback-model`), but for vectors. Answers say which of these they are. What fails then is the caller's: a partial answer, marked as such.
 * One cold call, that emits once.
 */
export function ask(asked: AskedModel, question: Question, text: string, parts: AskParts, ctx: CallContext): Observable<Heard> {
  const { journal, fallback, onCall } = parts;
  let isNew = false;
  const once = (of: AskedModel, about: string, slots: Permits): Observable<Answered> =>
    attempts(of, question, about, { ...parts, slots }, ctx).pipe(
      tap(() => {
        isNew = true;
        onCall?.();
      }),
    );
  const halves = question.mayShorten ? shortened(text) : [];
  const steps: readonly MonoTypeOperatorFunction<Answered>[] = [
    standIn(
      'smaller-batch',
      () => once(asked, text, parts.alone),
      (code) => tooMuchAtOnce.has(code),
    ),
    ...halves.map((half) =>
      standIn(
        'shorter-prompt',
        () => once(asked, half, parts.alone),
        (code) => tooLong.has(code),
      ),
    ),
    ...(fallback && fallback.name !== asked.name && question.ofOneModel !== true
      ? [standIn('fallback-model', () => once(fallback, text, parts.slots), isOfTheCall)]
      : []),
  ];
  const first = once(asked, text, parts.slots);
  const key = keyOf(asked.name, question, text, parts.settings);
  // `journaled` leaves out what a stand-in has given; an answer that says so is finished work, too
  const keep = (answer: Answered): Observable<Answered> =>
    answer.degraded.length === 0 ? of(answer) : defer(() => journal.append(key, [answer])).pipe(map(() => answer));
  return steps
    .reduce((call, step) => call.pipe(step), first)
    .pipe(
      concatMap(keep),
      journaled<Answered>(journal, { key }),
      map((answer) => ({ ...answer, isNew })),
    );
}

function attempts(
  { name, model, breaker }: AskedModel,
  question: Question,
  text: string,
  { slots, budget, settings }: AskParts,
  ctx: CallContext,
): Observable<Answered> {
  const { timeoutMs, attempts: most } = settings;
  const within =
    budget === undefined
      ? <T>(call: Observable<T>) => call
      : withinBudget<Asked>(budget, { estimate: () => estimateOf(model, question, text), usageOf });
  return defer(() => question.ask(model, text, settings, ctx)).pipe(
    callTimeout({ ms: timeoutMs }), // innermost: one attempt alone, not its waits
    withPermit(slots),
    within,
    withBreaker(breaker),
    // the whole of 1 s, 2 s, 4 s, … and no chance in it
    retryWithBackoff({ attempts: most, initialMs: firstWaitMs, maxMs: longestWaitMs, random: () => 1 - Number.EPSILON }),
    map((answer) => ({ ...answer, model: name, degraded: [] })),
  );
}

const usageOf = ({ inputTokens, outputTokens }: Asked): { readonly inputTokens: number; readonly outputTokens: number } => ({
  inputTokens,
  outputTokens,
});

const estimateOf = (model: Model, { prompt, maxTokens }: Question, text: string) =>
  maxTokens === 0 ? model.countTokens(text) : estimateCall(model, prompt?.(text) ?? text, { maxTokens });

const standIn = (step: string, other: () => Observable<Answered>, takes: (code: string) => boolean): MonoTypeOperatorFunction<Answered> =>
  fallbackTo<Answered>(() => other().pipe(map((answer) => ({ ...answer, degraded: [...answer.degraded, step] }))), {
    step,
    when: (error) => takes(isStreamError(error) ? error.code : classify(error)) && classify(error) !== 'pipeline',
  });

/** What no other model mends stops the pipeline anyway. */
const isOfTheCall = (): boolean => true;

/** The text's beginning: half of it, then a quarter. */
const shortened = (text: string): readonly string[] =>
  Array.from({ length: mostHalvings }, (_, n) => beginning(text, Math.ceil(text.length / 2 ** (n + 1)))).filter(
    (half) => half !== '' && half !== text,
  );

/** Never half of a character: servers refuse it. */
const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');

/** All that an answer depends on; a prompt has a new hash when any of it changes. */
function keyOf(model: string, { step, prompt, maxTokens, about }: Question, text: string, { temperature }: AskParts['settings']): Json {
  const { name = '', version = '', hash = '' } = prompt?.('') ?? {};
  const content = createHash('sha256').update(text).digest('hex');
  return { step, content, model, prompt: [name, version, hash], maxTokens, temperature, about: about ?? null };
}
