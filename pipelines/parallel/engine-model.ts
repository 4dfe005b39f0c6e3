import { answering, llama, type Model, namedModel, OptionError, type Resource } from 'millrace';
import type { EngineOptions } from './parallel-options.ts';

interface Options {
  readonly gpu: NonNullable<EngineOptions<unknown>['gpu']>;
  readonly maxWorkers: number;
  readonly batchSize: number;
  readonly shorten: 'tail' | 'head' | false;
}

/** What `llama` takes. */
const mostSequences = 64;

/** The model that an engine was given, as a resource. One that is open already stays its owner's to close. */
export function openedModel(given: NonNullable<EngineOptions<unknown>['model']>, options: Options): Resource<Model> {
  const model = resourceOf(given, options);
  const { shorten } = options;
  return shorten === false ? model : answering({ model, whenTooLong: { truncate: shorten }, name: model.name });
}

function resourceOf(given: NonNullable<EngineOptions<unknown>['model']>, { gpu, maxWorkers, batchSize }: Options): Resource<Model> {
  if (typeof given === 'string') {
    if (gpu === 'auto') return namedModel(given, { maxCalls: Math.min(mostSequences, maxWorkers * batchSize) });
    if (/^(https?|server|triton|llama-server):/i.test(given))
      throw new OptionError(
        `parallel.gpu is for a model in this process, got ${gpu === false ? 'false' : gpu} with a model that runs elsewhere`,
      );
    return llama({ model: given, gpu, sequences: Math.min(mostSequences, maxWorkers * batchSize) });
  }
  if ('open' in given) return given;
  return { name: given.name, open: () => Promise.resolve({ value: given, close: () => Promise.resolve() }) };
}
