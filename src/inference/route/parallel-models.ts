import { type OptionNames, requireFunction, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireOneOf, requireText } from '../../errors.ts';
import type { PolicyState, WatchedPolicy } from '../../policies/policy-state.ts';
import { type Resource, sharedResource } from '../../resource.ts';
import type { Model } from '../model.ts';
import { callsOfFirst } from './first-able.ts';
import { openMembers } from './open-members.ts';
import { type ComparingCalls, parallelCalls } from './parallel-calls.ts';
import { asGiven, closing, PoolDoor } from './pool-door.ts';
import { resolveMembers } from './route-options.ts';
import { describedVoters, newVoter } from './voter-counts.ts';

export type { ComparingCalls, Comparison, Opinion } from './parallel-calls.ts';

/** A model that votes. */
export interface ParallelMember {
  readonly model: Resource<Model>;
  /** For results. Unlike any other. @defaultValue the resource's own */
  readonly name?: string;
  /** With `vote: 'weighted'`; more than 0. @defaultValue 1 */
  readonly weight?: number;
}

export interface ParallelModelsOptions {
  /** 2 to 10, each once. */
  readonly models: readonly (Resource<Model> | ParallelMember)[];
  /** `majority`: each model has one voice; `weighted`: as many as its `weight`. Of equals the earliest model's answer wins. @defaultValue 'majority' */
  readonly vote?: 'majority' | 'weighted';
  /** Whether two answers, or two texts, say the same; labels are compared as they are. @defaultValue answers: equal through and through; texts: but for white space around */
  readonly same?: (a: unknown, b: unknown) => boolean;
  /** Models that must answer; with fewer the call fails. From 1 to as many as there are. @defaultValue more than half of them */
  readonly atLeast?: number;
  /** For messages. @defaultValue 'parallel' */
  readonly name?: string;
}

/** Several models asked at once: as one model, which gives what has won, or side by side. Tells how often each was asked, failed and was outvoted. */
export interface ParallelModels extends Model, ComparingCalls, WatchedPolicy {}

const names: OptionNames<ParallelModelsOptions> = { models: true, vote: true, same: true, atLeast: true, name: true };
const mostModels = 10;

/**
 * Asks several models at once. As a model it votes: `answer`, `classify`, `chat` and `complete` give what most say, as soon as nothing can change that, and abort who still
 * runs. `compareAnswers`, `compareLabels` and `compareTexts` wait for all, and give every opinion with the agreement. Use it where a wrong answer costs more than
 * several calls, to find the records on which models differ, or to try a model beside the one that is in use.
 *
 * In: calls, as any model takes them. Out: the answer of the earliest model of the winning group; `usage` is of all that answered, a label's `confidence` the mean over all
 * that voted. Vectors, ranks and tensors come from the first model that makes any.
 * Holds an answer a model and call, of `maxTokens` at most.
 * Ends: one that fails is left out; with fewer than `atLeast` left the call fails at once, with the most telling of the errors (an overload before a failure that may pass,
 * that before what lies with the record). Unsubscribing stops all.
 * @throws OptionError for options out of range, at the call.
 * @see "Self-Consistency" (Wang and others), here over models; Condorcet's jury theorem, for when more voices help.
 */
export function parallelModels(options: ParallelModelsOptions): Resource<ParallelModels> {
  requireOptions('parallelModels', options, names);
  const { models, vote = 'majority', same, name = 'parallel' } = options;
  requireText('parallelModels.name', name);
  requireOneOf('parallelModels.vote', vote, ['majority', 'weighted']);
  if (same !== undefined) requireFunction('parallelModels.same', same, '(a, b) => boolean');
  const members = resolveMembers('parallelModels', models);
  if (members.length < 2 || members.length > mostModels)
    throw new OptionError(`parallelModels.models must be 2 to ${String(mostModels)} models, got ${String(members.length)}`);
  const { atLeast = Math.floor(members.length / 2) + 1 } = options;
  requireInteger('parallelModels.atLeast', atLeast, 1, members.length);
  if (vote === 'majority' && members.some(({ rules }) => rules.weight !== 1))
    throw new OptionError("parallelModels.models have a weight, which counts with vote: 'weighted' alone");
  return sharedResource(name, async (context) => {
    const opened: Model[] = [];
    const joined = (index: number, model: Model): void => {
      opened[index] = model;
    };
    const close = await openMembers(members, context, { pool: name, joined });
    const voters = members.map(({ rules }) => newVoter(rules.name, vote === 'weighted' ? rules.weight : 1));
    const rules = { models: opened, voters, atLeast, same };
    const door = new PoolDoor(name);
    const ofFirst = callsOfFirst(name, opened, door);
    const asked = parallelCalls(rules);
    const value = {
      name,
      ...ofFirst,
      ...door.calls({ ...ofFirst, ...asked }),
      ...comparisons(asked, door),
      describe: (): PolicyState => describedVoters(name, voters),
    };
    return { value, close: closing(door, close) };
  });
}

const comparisons = (asked: ComparingCalls, door: PoolDoor): ComparingCalls => ({
  compareAnswers: (prompt, options, ctx) => door.through(asked.compareAnswers(asGiven(prompt), { ...options }, ctx)),
  compareLabels: (prompt, options, ctx) => door.through(asked.compareLabels(asGiven(prompt), { ...options }, ctx)),
  compareTexts: (prompt, options, ctx) => door.through(asked.compareTexts(asGiven(prompt), { ...options }, ctx)),
});
