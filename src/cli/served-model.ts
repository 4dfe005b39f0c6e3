import { OptionError } from '../errors.ts';
import { isModelPath } from '../inference/llama/find-model.ts';
import { llama } from '../inference/llama/llama.ts';
import type { Model } from '../inference/model.ts';
import { namedModel } from '../inference/named-model.ts';
import { route } from '../inference/route/route.ts';
import type { Resource } from '../resource.ts';

/** A model, and what it runs on. */
export interface ServedBy {
  readonly model: string;
  /** Processes that hold it. */
  readonly workers: number | 'auto';
  /** Calls that each computes together. */
  readonly maxCalls: number;
  /** Of each process of this machine. */
  readonly maxMemoryBytes?: number;
}

const elsewhere = /^(https?|triton):/i;
const program = /^(llama-server|server):/;

/**
 * The model with its workers, and what clients call it. In process they are one pool: calls of a process that dies go to another one. Programs are started
 * so many times, and shared out to.
 * @throws OptionError for several workers, or a bound of memory, where nothing is started here.
 */
export function servedModel({ model, workers, maxCalls, maxMemoryBytes }: ServedBy): {
  readonly name: string;
  readonly model: Resource<Model>;
} {
  const name = shortName(model);
  if (maxMemoryBytes !== undefined && (elsewhere.test(model) || program.test(model)))
    throw new OptionError(`--max-memory-mb bounds the processes of models in process: ${name} is none, leave it out`);
  if (elsewhere.test(model)) {
    if (workers !== 1) throw new OptionError(`--workers are processes of this machine: ${name} runs elsewhere, leave it out`);
    return { name, model: namedModel(model, { maxCalls }) };
  }
  if (program.test(model)) {
    const count = workers === 'auto' ? 1 : workers;
    const models = Array.from({ length: count }, () => namedModel(model, { maxCalls }));
    const [only] = models;
    return { name, model: count === 1 && only ? only : route({ models: models.map((one) => ({ model: one, maxCalls })), name }) };
  }
  namedModel(model, { maxCalls }); // says what is wrong with a name
  return {
    name,
    model: llama({
      model,
      sequences: maxCalls,
      processes: workers,
      ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
      ...(isModelPath(model) ? {} : { pull: true }),
    }),
  };
}

/** `server:… #qwen3` is `qwen3`, a file is its name. */
function shortName(model: string): string {
  const [, behind] = /#(.+)$/.exec(model) ?? [];
  return (
    behind ??
    model
      .replace(/^llama-server:/, '')
      .replace(/^.*[\\/]/, '')
      .replace(/\.gguf$/i, '')
  );
}
