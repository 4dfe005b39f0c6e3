import { catchError, concatMap, defer, from, map, type Observable, of, tap, throwError, toArray } from 'rxjs';
import { type CallContext, type CallScope, currentScope } from '../../call.ts';
import { answerWith } from '../internal/answer.ts';
import { addUsage, noUsage } from '../internal/collect.ts';
import { turnsOf, withTurns } from '../internal/prompt.ts';
import { withinScope } from '../internal/within-scope.ts';
import type { ChatChunk, ChatOptions, Model, ModelBackend, Prompt, TokenLogProbability } from '../model.ts';
import { addedToChunk, type Spent, together, watchingUse } from './spent.ts';
import { isUnsure, isUnsureError, meanProbability, type CascadeResult, type ResolvedUnsure } from './unsure.ts';

/** A model of a cascade, and what became of its calls. */
export interface CascadeLevel {
  readonly model: Model;
  readonly name: string;
  readonly counts: { calls: number; unsure: number };
}

/** How one kind of call climbs. */
interface Climb<T> {
  /** One model's result as it passes on, held until it is judged. */
  readonly held: (
    model: Model,
  ) => Observable<{ readonly result: CascadeResult; readonly spent: Partial<Spent>; readonly values: readonly T[] }>;
  /** The last model's, which is not judged. */
  readonly last: (model: Model) => Observable<T>;
  readonly added: (value: T, spent: Spent) => T;
}

/** The calls of a cascade that are judged. */
export function cascadeCalls(
  levels: readonly CascadeLevel[],
  unsure: ResolvedUnsure,
): Pick<Model, 'chat' | 'complete' | 'answer' | 'classify'> {
  const climb = <T>(call: Climb<T>): Observable<T> => {
    const [first] = levels;
    if (first) void call.last(first.model); // options that are wrong are so at the call
    return defer(() => levelFrom(levels, 0, call, unsure, { usage: noUsage, cost: undefined }, currentScope()));
  };
  const stream = (
    call: 'chat' | 'complete',
    given: ChatOptions = {},
    work: (model: Model, options: ChatOptions) => Observable<ChatChunk>,
  ): Observable<ChatChunk> =>
    climb<ChatChunk>({
      held: (model) => heldText(call, work(model, likelihoodOf(given, unsure)), given, unsure),
      last: (model) => work(model, given),
      added: addedToChunk,
    });
  return {
    chat: (prompt, options, ctx) => stream('chat', options, (model, asked) => model.chat(prompt, asked, ctx)),
    complete: (text, options, ctx) => stream('complete', options, (model, asked) => model.complete(text, asked, ctx)),
    answer: (prompt, options, ctx) =>
      climb({
        held: (model) => {
          const tokens: TokenLogProbability[] = [];
          const answer =
            unsure.probability === undefined
              ? model.answer(prompt, options, ctx)
              : answerWith(telling(model, prompt, tokens, ctx), turnsOf(prompt), options, ctx);
          return answer.pipe(
            map((value) => {
              const probability = unsure.probability === undefined ? undefined : meanProbability(tokens);
              return { result: { call: 'answer', value: value.value, probability }, spent: { usage: value.usage }, values: [value] };
            }),
          );
        },
        last: (model) => model.answer(prompt, options, ctx),
        added: (value, { usage }) => ({ ...value, usage: addUsage(usage, value.usage) }),
      }),
    classify: (prompt, options, ctx) =>
      climb({
        held: (model) =>
          model.classify(prompt, options, ctx).pipe(
            map((value) => ({
              result: { call: 'classify', label: value.label, confidence: value.confidence },
              spent: { usage: value.usage },
              values: [value],
            })),
          ),
        last: (model) => model.classify(prompt, options, ctx),
        added: (value, { usage }) => ({ ...value, usage: addUsage(usage, value.usage) }),
      }),
  };
}

function levelFrom<T>(
  levels: readonly CascadeLevel[],
  at: number,
  call: Climb<T>,
  unsure: ResolvedUnsure,
  spent: Spent,
  scope: CallScope,
): Observable<T> {
  const level = levels[at] as CascadeLevel;
  level.counts.calls += 1;
  const asSpent = (value: T): T => (at === 0 ? value : call.added(value, spent));
  if (at === levels.length - 1) return call.last(level.model).pipe(map(asSpent));
  const next = (more: Partial<Spent>): Observable<T> => {
    level.counts.unsure += 1;
    // the answer before may have come on another call's stack
    return withinScope(scope, levelFrom(levels, at + 1, call, unsure, together(spent, more), scope));
  };
  const failed = { usage: noUsage };
  return watchingUse(call.held(level.model), failed).pipe(
    map((held) => (isUnsure(held.result, unsure) ? next(held.spent) : from(held.values.map(asSpent)))),
    catchError((error: unknown) => (isUnsureError(error, unsure) ? of(next(failed)) : throwError(() => error as Error))),
    concatMap((going) => going),
  );
}

const likelihoodOf = (given: ChatOptions, { probability }: ResolvedUnsure): ChatOptions =>
  probability === undefined || given.logProbabilities !== undefined ? given : { ...given, logProbabilities: 0 };

/** A whole text, judged; tokens that nobody but we asked for are not passed on. */
function heldText(call: 'chat' | 'complete', chunks: Observable<ChatChunk>, given: ChatOptions, { probability: asked }: ResolvedUnsure) {
  return chunks.pipe(
    toArray(),
    map((all) => {
      const last = all.at(-1);
      const text = all.map((chunk) => chunk.text).join('');
      const probability = asked === undefined ? undefined : meanProbability(all.flatMap(({ tokens = [] }) => tokens));
      const result: CascadeResult = { call, text, finishReason: last?.finishReason ?? 'stop', probability };
      const values = given.logProbabilities === undefined ? all.map(withoutTokens) : all;
      const { usage = noUsage, cost } = last ?? {};
      return { result, spent: { usage, ...(cost === undefined ? {} : { cost }) }, values };
    }),
  );
}

const withoutTokens = (chunk: ChatChunk): ChatChunk => {
  const { tokens, ...others } = chunk;
  return tokens === undefined ? chunk : others;
};

/** The model as `answer` needs it, with the tokens of its last text beside it. */
function telling(model: Model, prompt: Prompt, tokens: TokenLogProbability[], ctx: CallContext | undefined): ModelBackend {
  return {
    name: model.name,
    capabilities: model.capabilities,
    countTokens: (turns) => model.countTokens(turns),
    chat: (turns, options) =>
      defer(() => {
        tokens.length = 0; // of a repair its own alone
        return model
          .chat(withTurns(prompt, turns), { ...options, logProbabilities: 0 }, ctx)
          .pipe(tap((chunk) => tokens.push(...(chunk.tokens ?? []))));
      }),
  };
}
