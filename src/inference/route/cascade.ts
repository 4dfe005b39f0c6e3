import { type OptionNames, requireFunction, requireOptions } from '../../check-options.ts';
import { type ErrorCode, gradeOf, InferenceError, OptionError, requireNumber, requireOneOf, requireText } from '../../errors.ts';
import type { PolicyState, WatchedPolicy } from '../../policies/policy-state.ts';
import { type Resource, sharedResource } from '../../resource.ts';
import type { Model } from '../model.ts';
import { cascadeCalls, type CascadeLevel } from './cascade-calls.ts';
import { callsOfFirst } from './first-able.ts';
import { openMembers } from './open-members.ts';
import { closing, PoolDoor } from './pool-door.ts';
import { resolveMembers } from './route-options.ts';
import type { CascadeResult, ResolvedUnsure } from './unsure.ts';

/** When a result is not good enough, and the next model is asked. */
export interface Unsure {
  /** Labels that are less likely than this; above 0, at most 1. Needs models that read labels off by log-probability. @defaultValue none */
  readonly confidence?: number;
  /** Texts and answers whose tokens were less likely than this in their geometric mean; above 0, at most 1. Needs models that tell log-probabilities. @defaultValue none */
  readonly probability?: number;
  /** A rule of one's own; what it throws fails the call. @defaultValue none */
  readonly when?: (result: CascadeResult) => boolean;
  /** Errors for which the next is asked. @defaultValue that an answer does not fit its schema, was cut off, refused or empty; that a prompt does not fit; that the model cannot do it */
  readonly errors?: readonly ErrorCode[];
}

export interface CascadeOptions {
  /** From the smallest to the largest, 2 to 10; each is asked when the one before is unsure. Several as one: `route`. */
  readonly models: readonly Resource<Model>[];
  readonly unsure?: Unsure;
  /** For messages and metrics. @defaultValue 'cascade' */
  readonly name?: string;
}

/** A cascade that is used as one model, and tells how often each of its models was unsure. */
export interface CascadeModel extends Model, WatchedPolicy {}

const usualErrors = [
  ...(['answer_invalid', 'answer_truncated', 'answer_refused', 'answer_empty'] as const),
  ...(['prompt_too_long', 'capability_missing', 'schema_unsupported'] as const),
];
const names: OptionNames<CascadeOptions> = { models: true, unsure: true, name: true };
const unsureNames: OptionNames<Unsure> = { confidence: true, probability: true, when: true, errors: true };
const mostModels = 10;

/**
 * A small model first, and a larger one where that is unsure: by the probability of its label or of its tokens, because its answer does not fit the schema, or by a
 * rule. Use it where most records are easy, and the large model is what costs.
 *
 * In: calls, as any model takes them. Out: the answer of the first that is sure, or of the last, whatever that is; `usage` and `cost` are of all calls that it took, `model` is who
 * answered. Pieces of a text come when it is known to stay: that of the last model as it is made, that of another as a whole. Vectors, ranks and tensors come from the first model that makes any.
 * Holds one answer per running call, of `maxTokens` at most.
 * Ends: fails with what a model fails with, unless `errors` names it and there is a next one: an outage is no doubt, put a `route` in for that. Unsubscribing stops what runs.
 * @throws OptionError for options out of range, at the call. Opening fails with `capability_missing` where `confidence` or `probability` cannot be had of a model that may be unsure.
 * @see FrugalGPT (Chen and others), LLM cascades.
 */
export function cascade(options: CascadeOptions): Resource<CascadeModel> {
  requireOptions('cascade', options, names);
  const { models, unsure = {}, name = 'cascade' } = options;
  requireText('cascade.name', name);
  const members = resolveMembers('cascade', models);
  if (members.length < 2 || members.length > mostModels)
    throw new OptionError(`cascade.models must be 2 to ${String(mostModels)} models, got ${String(members.length)}`);
  const rules = resolveUnsure(unsure);
  return sharedResource(name, async (context) => {
    const opened: Model[] = [];
    const joined = (index: number, model: Model): void => {
      opened[index] = model;
    };
    const close = await openMembers(members, context, { pool: name, joined });
    try {
      for (const model of opened.slice(0, -1)) requireProbabilities(model, rules);
    } catch (error) {
      await close();
      throw error;
    }
    const levels = opened.map(
      (model, index): CascadeLevel => ({ model, name: members[index]?.rules.name ?? '', counts: { calls: 0, unsure: 0 } }),
    );
    const describe = (): PolicyState => described(name, levels);
    const door = new PoolDoor(name);
    const ofFirst = callsOfFirst(name, opened, door);
    const value = { name, ...ofFirst, ...door.calls({ ...ofFirst, ...cascadeCalls(levels, rules) }), describe };
    return { value, close: closing(door, close) };
  });
}

function resolveUnsure(unsure: Unsure): ResolvedUnsure {
  requireOptions('cascade.unsure', unsure, unsureNames);
  const { confidence, probability, when, errors = usualErrors } = unsure;
  if (confidence !== undefined) requireNumber('cascade.unsure.confidence', confidence, Number.MIN_VALUE, 1);
  if (probability !== undefined) requireNumber('cascade.unsure.probability', probability, Number.MIN_VALUE, 1);
  if (when !== undefined) requireFunction('cascade.unsure.when', when, '(result) => boolean');
  if (!Array.isArray(errors)) throw new OptionError('cascade.unsure.errors must be a list of error codes');
  for (const code of errors) requireOneOf('cascade.unsure.errors', code, Object.keys(gradeOf));
  return { confidence, probability, when, errors: new Set<string>(errors) };
}

function requireProbabilities({ name, capabilities }: Model, { confidence, probability }: ResolvedUnsure): void {
  const lacks = (what: string, option: string): InferenceError =>
    new InferenceError(
      'capability_missing',
      `cascade.unsure.${option} needs models that tell ${what}, and ${name} does not: leave it out, or use when`,
    );
  if (confidence !== undefined && !capabilities.logProbabilities) throw lacks('how likely a label is', 'confidence');
  if (probability !== undefined && !capabilities.sampling.includes('logProbabilities'))
    throw lacks('log-probabilities of tokens', 'probability');
}

function described(name: string, levels: readonly CascadeLevel[]): PolicyState {
  const parts = levels.map(
    ({ name: part, counts }): PolicyState => ({
      ...{ name: part, kind: 'cascade-model', used: 0, limit: Infinity, waiting: 0 },
      numbers: { calls_total: counts.calls, unsure_total: counts.unsure },
    }),
  );
  return { name, kind: 'cascade', used: 0, limit: Infinity, waiting: 0, numbers: { calls_total: levels[0]?.counts.calls ?? 0 }, parts };
}
