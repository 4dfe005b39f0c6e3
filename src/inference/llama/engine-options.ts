import { type OptionNames, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText } from '../../errors.ts';

/** How keys and values are kept: `f16` is exact enough for every model, `q8_0` takes half of it, the others less at a growing loss. */
export type KvCacheType = (typeof kvCacheTypes)[number];
const kvCacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'] as const;

/** What tunes the engine; no pipeline needs any of it. */
export interface LlamaEngineOptions {
  /** Layers that are computed on the GPU: so many, all, or as many as its memory allows. Without a GPU there are none. @defaultValue 'auto' */
  readonly gpuLayers?: number | 'auto' | 'all';
  /** Most tokens that are evaluated in one step, of all calls together, 32 to 8,192. More makes long prompts quicker on a GPU, takes memory, and lets others wait longer. @defaultValue 512 */
  readonly batchTokens?: number;
  /** Of the context's memory, nearly all of which are keys and values. Values of fewer bits than 16 need flash attention. @defaultValue 'f16' */
  readonly kvCacheType?: KvCacheType | { readonly keys: KvCacheType; readonly values: KvCacheType };
  /** LoRA adapters as GGUF files, made for this model; at most 16. They change answers, not embeddings. @defaultValue [] */
  readonly lora?: readonly LoraAdapter[];
  /** How the vectors of a text's tokens become one: their mean, the first or the last. @defaultValue what the model's file says, else the last */
  readonly pooling?: Pooling;
}

export type Pooling = (typeof poolings)[number];
const poolings = ['mean', 'cls', 'last'] as const;

export interface LoraAdapter {
  readonly path: string;
  /** How strongly it changes the model; 1 as it was trained. @defaultValue 1 */
  readonly scale?: number;
}

/** The options with their defaults, as they go to the model's process. */
export interface EngineTuning {
  readonly gpuLayers: number | 'auto' | 'all';
  readonly batchTokens: number;
  readonly kvCacheType: { readonly keys: KvCacheType; readonly values: KvCacheType };
  readonly lora: readonly Required<LoraAdapter>[];
  readonly pooling: Pooling | undefined;
}

export const engineOptionNames: OptionNames<LlamaEngineOptions> = {
  gpuLayers: true,
  batchTokens: true,
  kvCacheType: true,
  lora: true,
  pooling: true,
};

const mostAdapters = 16;

/** @throws OptionError for an option outside its range. */
export function resolveEngineOptions(options: LlamaEngineOptions, flashAttention: boolean): EngineTuning {
  const { gpuLayers = 'auto', batchTokens = 512, kvCacheType = 'f16', lora = [], pooling } = options;
  if (typeof gpuLayers === 'string') requireOneOf('llama.gpuLayers', gpuLayers, ['auto', 'all']);
  else requireInteger('llama.gpuLayers', gpuLayers, 0);
  requireInteger('llama.batchTokens', batchTokens, 32, 8_192);
  if (pooling !== undefined) requireOneOf('llama.pooling', pooling, poolings);
  return { gpuLayers, batchTokens, pooling, lora: adapters(lora), kvCacheType: kvCache(kvCacheType, flashAttention) };
}

function kvCache(given: NonNullable<LlamaEngineOptions['kvCacheType']>, flashAttention: boolean): EngineTuning['kvCacheType'] {
  const { keys, values } = typeof given === 'string' ? { keys: given, values: given } : given;
  requireOneOf('llama.kvCacheType.keys', keys, kvCacheTypes);
  requireOneOf('llama.kvCacheType.values', values, kvCacheTypes);
  if (!flashAttention && values.startsWith('q'))
    throw new OptionError(`llama.kvCacheType.values ${values} needs flash attention: take f16, or leave out llama.flashAttention`);
  return { keys, values };
}

function adapters(lora: readonly LoraAdapter[]): EngineTuning['lora'] {
  if (!Array.isArray(lora) || lora.length > mostAdapters)
    throw new OptionError(`llama.lora must be a list of at most ${String(mostAdapters)} adapters`);
  return lora.map((adapter: LoraAdapter, index) => {
    const name = `llama.lora[${String(index)}]`;
    requireOptions(name, adapter, { path: true, scale: true });
    const { path, scale = 1 } = adapter;
    requireText(`${name}.path`, path);
    requireNumber(`${name}.scale`, scale, -10, 10);
    return { path, scale };
  });
}
