import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isDeepStrictEqual } from 'node:util';
import { concatMap, from, map, type Observable, toArray } from 'rxjs';
import type { CallContext } from '../../call.ts';
import { InferenceError } from '../../errors.ts';
import { addUsage } from '../internal/collect.ts';
import type { Answer, AnswerOptions, ChatChunk, ChatOptions, Classification, ClassifyOptions, Model, Prompt, Usage } from '../model.ts';
import { askAll, type Heard } from './ask-all.ts';
import { type Ask, askOfLabels, askOfPrompt } from './needs.ts';
import { type Ballot, countVotes } from './vote.ts';
import { countedVote, type VoterCounts } from './voter-counts.ts';

/** What one of several models said. */
export type Opinion<T> =
  | { readonly name: string; readonly value: T; readonly agrees: boolean }
  | { readonly name: string; readonly error: unknown };

/** What several models said to the same call. */
export interface Comparison<T> {
  /** One a model, in their order. */
  readonly opinions: readonly Opinion<T>[];
  /** What has won the vote. */
  readonly value: T;
  /** The weight of those that agree with `value`, as a share of all that were asked: who failed agrees with nobody. 0 to 1. */
  readonly agreement: number;
  /** Of all that answered. */
  readonly usage: Usage;
}

export interface ParallelRules {
  readonly models: readonly Model[];
  /** One a model. */
  readonly voters: readonly VoterCounts[];
  readonly atLeast: number;
  readonly same: ((a: unknown, b: unknown) => boolean) | undefined;
}

/** All opinions, side by side. */
export interface ComparingCalls {
  /** Emits what all models answered, when each has ended: as `answer` takes it. */
  compareAnswers<S extends StandardSchemaV1>(
    prompt: Prompt,
    options: AnswerOptions<S>,
    ctx?: CallContext,
  ): Observable<Comparison<StandardSchemaV1.InferOutput<S>>>;
  /** Emits what label each model chose, when each has ended. */
  compareLabels<const L extends string>(prompt: Prompt, options: ClassifyOptions<L>, ctx?: CallContext): Observable<Comparison<L>>;
  /** Emits what each model wrote, when each has ended; texts are alike that are equal but for white space around, or as `same` has it. */
  compareTexts(prompt: Prompt, options?: ChatOptions, ctx?: CallContext): Observable<Comparison<string>>;
}

/** What is voted on, with what it took. */
interface Vote<T, W> {
  readonly value: T;
  readonly usage: Usage;
  readonly whole: W;
}

interface Poll<T, W> {
  readonly ask: Ask;
  readonly work: (model: Model) => Observable<Vote<T, W>>;
  readonly same: (a: T, b: T) => boolean;
}

/** The calls of several models at once. */
export function parallelCalls(rules: ParallelRules): ComparingCalls & Pick<Model, 'chat' | 'complete' | 'answer' | 'classify'> {
  const { models } = rules;
  const [first] = models as [Model, ...Model[]];
  const equal = rules.same ?? isDeepStrictEqual;
  const ofAnswer = <S extends StandardSchemaV1>(prompt: Prompt, options: AnswerOptions<S>, ctx: CallContext | undefined) => {
    type Found = Answer<StandardSchemaV1.InferOutput<S>>;
    void first.answer(prompt, options, ctx); // options that are wrong are so at the call
    const work = (model: Model): Observable<Vote<Found['value'], Found>> =>
      model.answer(prompt, options, ctx).pipe(map((whole) => ({ value: whole.value, usage: whole.usage, whole })));
    return { ask: askOfPrompt(prompt, options), work, same: equal };
  };
  const ofLabel = <L extends string>(prompt: Prompt, options: ClassifyOptions<L>, ctx: CallContext | undefined) => {
    void first.classify(prompt, options, ctx);
    const work = (model: Model): Observable<Vote<L, Classification<L>>> =>
      model.classify(prompt, options, ctx).pipe(map((whole) => ({ value: whole.label, usage: whole.usage, whole })));
    return { ask: askOfLabels(prompt), work, same: (a: L, b: L) => a === b };
  };
  const ofText = (prompt: Prompt, options: ChatOptions | undefined, work: (model: Model) => Observable<ChatChunk>) => {
    void work(first);
    const same = rules.same ?? ((a: unknown, b: unknown) => String(a).trim() === String(b).trim());
    return { ask: askOfPrompt(prompt, options), work: (model: Model) => work(model).pipe(toArray(), map(textOf)), same };
  };
  const pieces = (poll: Poll<string, readonly ChatChunk[]>): Observable<ChatChunk> =>
    winnerOf(rules, poll).pipe(
      concatMap(({ winner, usage, all }) => from(winner.whole.map((chunk) => (chunk.usage ? { ...chunk, usage, ...costOf(all) } : chunk)))),
    );
  return {
    chat: (prompt, options, ctx) => pieces(ofText(prompt, options, (model) => model.chat(prompt, options, ctx))),
    complete: (text, options, ctx) => pieces(ofText(text, options, (model) => model.complete(text, options, ctx))),
    answer: (prompt, options, ctx) =>
      winnerOf(rules, ofAnswer(prompt, options, ctx)).pipe(map(({ winner, usage }) => ({ ...winner.whole, usage }))),
    classify: (prompt, options, ctx) =>
      winnerOf(rules, ofLabel(prompt, options, ctx)).pipe(
        map(({ winner, usage, all }) => ({ ...winner.whole, ...shares(winner.value, all), usage })),
      ),
    compareAnswers: (prompt, options, ctx) => comparison(rules, ofAnswer(prompt, options, ctx)),
    compareLabels: (prompt, options, ctx) => comparison(rules, ofLabel(prompt, options, ctx)),
    compareTexts: (prompt, options, ctx) =>
      comparison(
        rules,
        ofText(prompt, options, (model) => model.chat(prompt, options, ctx)),
      ),
  };
}

function textOf(chunks: readonly ChatChunk[]): Vote<string, readonly ChatChunk[]> {
  const usage = chunks.at(-1)?.usage;
  if (usage === undefined)
    throw new InferenceError('model_failed', 'expected an answer that ends with its usage, got one that was cut off');
  return { value: chunks.map(({ text }) => text).join(''), usage, whole: chunks };
}

const ballotsOf = <T, W>({ voters }: ParallelRules, heard: readonly Heard<Vote<T, W>>[]): readonly Ballot<Vote<T, W>>[] =>
  heard.flatMap((one) => ('value' in one ? [{ index: one.index, weight: voters[one.index]?.weight ?? 1, value: one.value }] : []));

const usageOf = (ballots: readonly Ballot<{ readonly usage: Usage }>[]): Usage => ballots.map(({ value }) => value.usage).reduce(addUsage);

/** Of all that tell theirs: they are what the usage is of. */
function costOf(ballots: readonly Ballot<Vote<string, readonly ChatChunk[]>>[]): Pick<ChatChunk, 'cost'> {
  const costs = ballots.map(({ value }) => value.whole.at(-1)?.cost).filter((cost) => cost !== undefined);
  return costs.length === 0 ? {} : { cost: sum(costs) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const counting =
  <T>({ models, voters }: ParallelRules, work: (model: Model) => Observable<T>) =>
  (model: Model): Observable<T> =>
    countedVote(voters[models.indexOf(model)] as VoterCounts, work(model));

function countDissents<T>({ voters }: ParallelRules, ballots: readonly Ballot<T>[], agrees: (value: T) => boolean): void {
  for (const { index, value } of ballots) {
    const voter = voters[index];
    if (voter && !agrees(value)) voter.dissents += 1;
  }
}

/** The vote's result as soon as nothing can change it. */
function winnerOf<T, W>(rules: ParallelRules, { ask, work, same }: Poll<T, W>) {
  const { models, voters, atLeast } = rules;
  return askAll({
    ...{ models, atLeast, work: counting(rules, work) },
    inputTokens: () => ask.inputTokens,
    resultOf: (heard: readonly Heard<Vote<T, W>>[]) => {
      const all = ballotsOf(rules, heard);
      const open = voters.filter((_, index) => heard.every((one) => one.index !== index)).map(({ weight }) => weight);
      const count = countVotes(all, (a, b) => same(a.value, b.value), sum(open));
      if (count?.isDecided !== true) return undefined;
      const winner = count.winner.value;
      countDissents(rules, all, (one) => same(winner.value, one.value));
      return { winner, usage: usageOf(all), all };
    },
  });
}

/** All opinions, when all are there. */
function comparison<T, W>(rules: ParallelRules, { ask, work, same }: Poll<T, W>): Observable<Comparison<T>> {
  const { models, voters, atLeast } = rules;
  return askAll({
    ...{ models, atLeast, work: counting(rules, work) },
    inputTokens: () => ask.inputTokens,
    resultOf: (heard: readonly Heard<Vote<T, W>>[], isAll): Comparison<T> | undefined => {
      const all = ballotsOf(rules, heard);
      const count = isAll ? countVotes(all, (a, b) => same(a.value, b.value), 0) : undefined;
      if (!count) return undefined;
      const { value } = count.winner.value;
      countDissents(rules, all, (one) => same(value, one.value));
      const opinions = heard
        .toSorted((a, b) => a.index - b.index)
        .map((one): Opinion<T> => {
          const name = voters[one.index]?.name ?? '';
          return 'value' in one ? { name, value: one.value.value, agrees: same(value, one.value.value) } : { name, error: one.error };
        });
      return { opinions, value, agreement: count.weight / sum(voters.map(({ weight }) => weight)), usage: usageOf(all) };
    },
  });
}

/** How likely the label is by all that voted, each as much as it weighs; who cannot tell is certain of its own. */
function shares<L extends string>(
  label: L,
  ballots: readonly Ballot<Vote<L, Classification<L>>>[],
): Pick<Classification<L>, 'confidence' | 'probabilities'> {
  const total = sum(ballots.map(({ weight }) => weight));
  const ofLabel = (one: L): number =>
    sum(ballots.map(({ weight, value: { whole } }) => (weight / total) * (whole.probabilities?.[one] ?? (whole.label === one ? 1 : 0))));
  const labels = Object.keys(ballots.find(({ value }) => value.whole.probabilities)?.value.whole.probabilities ?? {}) as L[];
  const probabilities =
    labels.length === 0 ? undefined : (Object.fromEntries(labels.map((one) => [one, ofLabel(one)])) as Record<L, number>);
  return { confidence: ofLabel(label), probabilities };
}
