import { llama, type Model, openAiCompatible, OptionError, type Resource } from 'millrace';
import type { Asking } from './judge-sentiment.ts';

/** A model, as `--model` names it, and how to use it. */
export interface ChosenModel {
  readonly resource: Resource<Model>;
  readonly asking: Asking;
  /** The name to pull first; undefined where there is nothing to pull. */
  readonly pull: string | undefined;
}

export interface ChooseModelOptions {
  /** For an endpoint; never shown. */
  readonly apiKey?: string;
  /** Calls at a time. */
  readonly concurrency: number;
}

/**
 * The model called `name`: `smollm2`, `hf:owner/repo/file.gguf`, the path of a GGUF file, or the URL of an
 * OpenAI-compatible endpoint with the model's name behind `#`, as in `http://localhost:8080/v1#qwen3`.
 * @throws OptionError for a name that is none of these.
 */
export function chooseModel(name: string, { apiKey, concurrency }: ChooseModelOptions): ChosenModel {
  if (!/^https?:/i.test(name)) {
    const isNamed = name.startsWith('hf:') || !/[\\/]|\.gguf$/i.test(name);
    return { resource: llama({ model: name, sequences: concurrency }), asking: 'completion', pull: isNamed ? name : undefined };
  }
  const [baseUrl = '', model = '', ...rest] = name.split('#');
  if (model === '' || rest.length > 0) {
    throw new OptionError('--model with a URL must name the model behind a #, as in http://localhost:8080/v1#qwen3');
  }
  const resource = openAiCompatible({ baseUrl, model, ...(apiKey === undefined ? {} : { apiKey }) });
  return { resource: withoutEmbeddings(resource), asking: 'question', pull: undefined };
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
