import { type Model, modelToPull, namedModel, OptionError, type Resource, route } from 'millrace';
import type { NamedResource } from './pipeline.ts';

export interface ChooseModelsOptions {
  /** Several names with commas between are a pool, in which each call goes to the one with least to do. */
  readonly model: string;
  /** Others, whose answers are compared with those. */
  readonly compare?: string | undefined;
  /** Answers where those cannot. */
  readonly fallback?: string | undefined;
  /** For endpoints; never shown. */
  readonly apiKey?: string | undefined;
  /** Calls at once. */
  readonly concurrency: number;
}

export interface ChosenModels {
  readonly models: readonly [NamedResource, ...NamedResource[]];
  readonly fallback: NamedResource | undefined;
  /** Files to have first. */
  readonly pull: readonly string[];
  /** Whether one of them is somebody else's, who has limits that nobody has told us. */
  readonly isRemote: boolean;
}

/**
 * Models by their names, in the forms of `namedModel`.
 * @throws OptionError for a name that is none.
 */
export function chooseModels({ model, compare, fallback, apiKey, concurrency }: ChooseModelsOptions): ChosenModels {
  const options = { maxCalls: Math.min(concurrency, mostSequences), ...(apiKey === undefined ? {} : { apiKey }) };
  const pool = namesIn('--model', model);
  const others = compare === undefined ? [] : namesIn('--compare', compare);
  const spare = fallback === undefined ? [] : namesIn('--fallback-model', fallback);
  if (spare.length > 1) throw new OptionError('--fallback-model must name one model, got several');
  // a model that is in two places is loaded once
  const made = new Map<string, Resource<Model>>();
  const resourceOf = (name: string): Resource<Model> => {
    const found = made.get(name) ?? namedModel(name, options);
    made.set(name, found);
    return found;
  };
  const [only] = pool;
  const first =
    only !== undefined && pool.length === 1
      ? { name: only, resource: resourceOf(only) }
      : { name: pool.join(), resource: route({ models: pool.map((name) => ({ model: resourceOf(name), maxCalls: concurrency })) }) };
  const named = (name: string): NamedResource => ({ name, resource: resourceOf(name) });
  const [spareName] = spare;
  const all = [...pool, ...others, ...spare];
  return {
    models: [first, ...others.map(named)],
    fallback: spareName === undefined ? undefined : named(spareName),
    pull: [...new Set(all.flatMap((name) => modelToPull(name) ?? []))],
    isRemote: all.some((name) => /^(https?|triton):/i.test(name)),
  };
}

/**
 * Vectors of two models cannot be compared: those that share the work on them must be one model, in several places.
 * @throws OptionError where they have several names.
 */
export function requireOneModel(model: string): void {
  const names = new Set(namesIn('--model', model).map((name) => name.slice(name.lastIndexOf('#') + 1)));
  if (names.size > 1)
    throw new OptionError(
      `--task embed needs one model, as vectors of several cannot be compared, got ${[...names].join(' and ')}: name one, or the same at several URLs`,
    );
}

/** What a model in process can have at once. */
const mostSequences = 64;

function namesIn(option: string, text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === ''))
    throw new OptionError(`${option} must name a model, or several with commas between, got ${JSON.stringify(text)}`);
  if (new Set(names).size < names.length) throw new OptionError(`${option} names a model twice: ${text}`);
  return names;
}
