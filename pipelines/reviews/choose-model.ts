import { type Model, modelToPull, namedModel, OptionError, type Resource, route } from 'millrace';
import type { Asking } from './judge-sentiment.ts';

/** A model, as `--model` names it, and how to use it. */
export interface ChosenModel {
  readonly resource: Resource<Model>;
  readonly asking: Asking;
  /** The names to pull first. */
  readonly pull: readonly string[];
  /** Calls at a time that it is good for. */
  readonly concurrency: number;
}

export interface ChooseModelOptions {
  /** For an endpoint; never shown. */
  readonly apiKey?: string;
  /** Calls at a time, of each model. */
  readonly concurrency: number;
}

/**
 * The models called `names`, with commas between: several are a pool, in which each call goes to the one with least to do. They are asked alike: where one
 * of them needs a question, all get one.
 * @throws OptionError for a name that is none.
 */
export function chooseModel(names: string, options: ChooseModelOptions): ChosenModel {
  const chosen = names.split(',').map((name) => chooseOne(name.trim(), options));
  const [first] = chosen;
  if (first && chosen.length === 1) return first;
  const { concurrency } = options;
  return {
    resource: route({ models: chosen.map(({ resource }) => ({ model: resource, maxCalls: concurrency })) }),
    asking: chosen.every(({ asking }) => asking === 'completion') ? 'completion' : 'question',
    pull: [...new Set(chosen.flatMap(({ pull }) => pull))],
    concurrency: concurrency * chosen.length,
  };
}

/**
 * The model called `name`, in one of the forms of `namedModel`.
 * @throws OptionError for a name that has none of them.
 */
function chooseOne(name: string, { apiKey, concurrency }: ChooseModelOptions): ChosenModel {
  if (name === '') throw new OptionError('--model must name a model, or several with commas between, got a name that is empty');
  const resource = namedModel(name, { maxCalls: concurrency, ...(apiKey === undefined ? {} : { apiKey }) });
  const file = modelToPull(name);
  const pull = file === undefined ? [] : [file];
  const isInProcess = !/^(llama-server|server|https?):/is.test(name);
  if (isInProcess) return { resource, asking: 'completion', pull, concurrency };
  return { resource: withoutEmbeddings(resource), asking: 'question', pull, concurrency };
}

/** Servers of chat models mostly have no embeddings, and a model that is better at following instructions needs none. */
function withoutEmbeddings(resource: Resource<Model>): Resource<Model> {
  return {
    name: resource.name,
    open: async (context) => {
      const { value, close } = await resource.open(context);
      return { value: { ...value, capabilities: { ...value.capabilities, embeddings: false } }, close };
    },
  };
}
