import { stat } from 'node:fs/promises';
import type { Llama, LlamaContext, LlamaContextOptions, LlamaModel } from 'node-llama-cpp';
import { InferenceError, messageOf, OptionError } from '../../../errors.ts';
import type { KvCacheType } from '../engine-options.ts';
import type { EngineSettings } from '../protocol.ts';
import { stepsOf } from './step-items.ts';

/** Window where neither the options nor the model ask for less: the cache of four such takes 190 MB for the default model. */
const defaultContextTokens = 2_048;
/** The vendor shifts a context that is two tokens short of full; ours are never shifted. */
const spareTokens = 2;
/** Of the memory that is free `auto` leaves half to the application, to embeddings and to whoever else comes. */
const autoShare = 0.5;
/** Fewer are no context. */
const leastTokens = 64;

/**
 * The context whose sequences are decoded together, and how many tokens each of these may hold.
 *
 * @throws OptionError for more tokens than the model was trained with; InferenceError `resource_exhausted`, `model_not_found` for an adapter.
 */
export async function openContext(
  llama: Llama,
  model: LlamaModel,
  settings: EngineSettings,
): Promise<{ readonly context: LlamaContext; readonly contextTokens: number }> {
  const trained = model.trainContextSize;
  const { contextTokens: given = Math.min(defaultContextTokens, trained) } = settings;
  for (const { path } of settings.tuning.lora) await requireFile(path);
  if (given === 'auto') {
    await llama.setRamCap(Math.floor(process.availableMemory() * autoShare * settings.memoryShare)); // the vendor knows of no limits of containers
    const context = await createContext(llama, model, settings, { min: leastTokens + spareTokens, max: trained });
    return { context, contextTokens: Math.min(trained, context.contextSize - spareTokens) };
  }
  if (given > trained) {
    throw new OptionError(`llama.contextTokens must be at most ${String(trained)}, for which the model was trained, got ${String(given)}`);
  }
  // a smaller context than asked for would refuse prompts that the options allow
  return { context: await createContext(llama, model, settings, given + spareTokens), contextTokens: given };
}

async function requireFile(path: string): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile() !== true) throw new InferenceError('model_not_found', `there is no LoRA adapter at ${path}: check llama.lora`);
}

async function createContext(
  llama: Llama,
  model: LlamaModel,
  { sequences, threads, flashAttention, tuning }: EngineSettings,
  contextSize: NonNullable<LlamaContextOptions['contextSize']>,
): Promise<LlamaContext> {
  const { batchTokens, kvCacheType, lora } = tuning;
  try {
    return await model.createContext({
      contextSize,
      sequences,
      threads,
      flashAttention,
      failedCreationRemedy: false,
      batchSize: batchTokens,
      batching: { itemPrioritizationStrategy: stepsOf(llama.gpu === false) },
      experimentalKvCacheKeyType: ggmlType(kvCacheType.keys),
      experimentalKvCacheValueType: ggmlType(kvCacheType.values),
      ...(lora.length > 0 && { lora: { adapters: lora.map(({ path, scale }) => ({ filePath: path, scale })) } }),
    });
  } catch (error) {
    const asked =
      typeof contextSize === 'number' ? `${String(contextSize - spareTokens)} tokens` : `at least ${String(leastTokens)} tokens`;
    throw new InferenceError(
      'resource_exhausted',
      `no context of ${String(sequences)} sequences of ${asked} could be made, lower llama.sequences or llama.contextTokens: ${messageOf(error)}`,
    );
  }
}

const ggmlType = <T extends KvCacheType>(type: T): Uppercase<T> => type.toUpperCase() as Uppercase<T>;
