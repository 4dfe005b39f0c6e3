import { availableParallelism } from 'node:os';
import { type OptionNames, requireBoolean, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireOneOf, requireText } from '../../errors.ts';
import { engineOptionNames, type LlamaEngineOptions, resolveEngineOptions } from './engine-options.ts';
import { fileOptionNames, type LlamaFileOptions, resolveFileOptions, type ResolvedFileOptions } from './file-options.ts';
import type { EngineSettings } from './protocol.ts';

export interface LlamaOptions extends LlamaEngineOptions, LlamaFileOptions {
  /** `smollm2`, `hf:owner/repo/file.gguf`, `https://host/path/file.gguf`, or the path of a GGUF file. */
  readonly model: string;
  /** What to compute on; `auto` takes a GPU where there is one. @defaultValue 'auto' */
  readonly gpu?: 'auto' | 'cuda' | 'vulkan' | 'metal' | false;
  /**
   * Of several GPUs those that may be used, as CUDA (numbers or UUIDs) or Vulkan (numbers) names them; with `auto` CUDA's. @defaultValue all
   * that the environment lets be seen
   */
  readonly gpuDevices?: readonly string[];
  /**
   * Most tokens of prompt and answer together, for each sequence; 64 to what the model was trained with. `auto`: as many of these as fit
   * into half of the memory that is free when the model is opened, or into that of the GPU. @defaultValue what the model was trained with, at most 2048
   */
  readonly contextTokens?: number | 'auto';
  /**
   * Processes that hold the model, 1 to 64; weights are shared between them, contexts are not. `auto`: one for each NVIDIA GPU, else one
   * for each set of CPUs with memory of its own. @defaultValue 1
   */
  readonly processes?: number | 'auto';
  /** Calls that each process evaluates together, 1 to 64; each takes memory for a context of its own. On a CPU more than 8 only adds latency. @defaultValue 4 */
  readonly sequences?: number;
  /**
   * Memory of one process, in bytes; at least 64 MiB. One that takes more, looked at once a second while it works, gets nothing new, is replaced when it has finished what it
   * has, and nothing fails; not more often than once a minute. What it shares with others of its kind counts in part. @defaultValue no bound
   */
  readonly maxMemoryBytes?: number;
  /** Calls that may wait for a sequence; more fail with `overloaded`. @defaultValue 256 */
  readonly maxWaiting?: number;
  /** Of the CPU, for all processes together. All cores is slower than one less, wherever anything else runs. @defaultValue cores - 1 */
  readonly threads?: number;
  /**
   * Faster by a tenth, and less memory. Without it, on a CPU, the same prompt gets the same answer at temperature 0, whatever else runs and
   * whatever was kept (see {@link llama}), which costs a step more for each answer. @defaultValue true
   */
  readonly flashAttention?: boolean;
  /** Whether `embed` may be used; it takes a context of its own, from its first call on. @defaultValue true */
  readonly embeddings?: boolean;
  /** Fetch a model that is not in the cache when the resource is opened, instead of failing with the command to run. @defaultValue false */
  readonly pull?: boolean;
  /** Where named models lie. @defaultValue MILLRACE_CACHE, or millrace in the user's cache folder */
  readonly cacheFolder?: string;
}

export type ResolvedLlamaOptions = Omit<EngineSettings, 'modelPath' | 'modelIdentity' | 'memoryShare'> &
  ResolvedFileOptions &
  Pick<LlamaOptions, 'model' | 'cacheFolder' | 'gpuDevices'> & {
    readonly processes: number | 'auto';
    readonly maxWaiting: number;
    readonly maxMemoryBytes?: number;
    readonly pull: boolean;
  };

/** Why each default is what it is stands with its option. */
const defaults = { gpu: 'auto', processes: 1, sequences: 4, maxWaiting: 256, flashAttention: true, embeddings: true, pull: false } as const;

const names: OptionNames<LlamaOptions> = {
  model: true,
  gpu: true,
  gpuDevices: true,
  contextTokens: true,
  processes: true,
  sequences: true,
  maxMemoryBytes: true,
  maxWaiting: true,
  threads: true,
  flashAttention: true,
  embeddings: true,
  pull: true,
  cacheFolder: true,
  ...engineOptionNames,
  ...fileOptionNames,
};

/** @throws OptionError for an option outside its range. */
export function resolveLlamaOptions(options: LlamaOptions): ResolvedLlamaOptions {
  requireOptions('llama', options, names);
  const { model, gpuDevices, contextTokens, cacheFolder, maxMemoryBytes, threads = Math.max(1, availableParallelism() - 1) } = options;
  const { gpu, processes, sequences, maxWaiting, flashAttention, embeddings, pull } = { ...defaults, ...withoutUndefined(options) };
  requireText('llama.model', model);
  if (gpu !== false) requireOneOf('llama.gpu', gpu, ['auto', 'cuda', 'vulkan', 'metal']);
  if (gpuDevices !== undefined) requireDevices(gpuDevices, gpu);
  if (contextTokens !== undefined && contextTokens !== 'auto') requireInteger('llama.contextTokens', contextTokens, 64);
  if (processes !== 'auto') requireInteger('llama.processes', processes, 1, 64);
  requireInteger('llama.sequences', sequences, 1, 64);
  requireInteger('llama.maxWaiting', maxWaiting, 0);
  if (maxMemoryBytes !== undefined) requireInteger('llama.maxMemoryBytes', maxMemoryBytes, 64 * 1024 * 1024);
  requireInteger('llama.threads', threads, 1, 1_024);
  requireBoolean('llama.flashAttention', flashAttention);
  requireBoolean('llama.embeddings', embeddings);
  requireBoolean('llama.pull', pull);
  if (cacheFolder !== undefined) requireText('llama.cacheFolder', cacheFolder);
  return {
    model,
    gpu,
    contextTokens,
    processes,
    sequences,
    maxWaiting,
    threads,
    flashAttention,
    embeddings,
    pull,
    ...resolveFileOptions(options),
    tuning: resolveEngineOptions(options, flashAttention),
    ...(gpuDevices === undefined ? {} : { gpuDevices }),
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
    ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
  };
}

function requireDevices(devices: readonly string[], gpu: EngineSettings['gpu']): void {
  if (gpu === false || gpu === 'metal') throw new OptionError(`llama.gpuDevices are for CUDA and Vulkan, got gpu: ${JSON.stringify(gpu)}`);
  if (Array.isArray(devices) && devices.length > 0 && devices.every((one) => typeof one === 'string' && /^[\w-]+$/.test(one))) return;
  throw new OptionError("llama.gpuDevices must be a list of names such as ['0', '1'], got none or others");
}

const withoutUndefined = (options: LlamaOptions): LlamaOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as LlamaOptions;
