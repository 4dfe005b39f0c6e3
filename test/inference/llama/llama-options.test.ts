import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { llama } from '../../../src/inference/llama/llama.ts';
import { type LlamaOptions, resolveLlamaOptions } from '../../../src/inference/llama/llama-options.ts';

describe('resolveLlamaOptions', () => {
  it('leaves one core to others', () => {
    expect(resolveLlamaOptions({ model: 'smollm2' }).threads).toBe(Math.max(1, availableParallelism() - 1));
  });

  it('takes an option that is undefined for one that is not given', () => {
    const options = { model: 'smollm2', sequences: undefined } as unknown as LlamaOptions;
    expect(resolveLlamaOptions(options).sequences).toBe(4);
  });

  it('fills in what tunes the engine', () => {
    const { tuning } = resolveLlamaOptions({ model: 'smollm2', kvCacheType: 'q8_0', lora: [{ path: 'a.gguf' }] });
    const expected = { gpuLayers: 'auto', batchTokens: 512, pooling: undefined, kvCacheType: { keys: 'q8_0', values: 'q8_0' } };
    expect(tuning).toEqual({ ...expected, lora: [{ path: 'a.gguf', scale: 1 }] });
    const keysOnly = { keys: 'q8_0', values: 'f16' } as const;
    expect(resolveLlamaOptions({ model: 'smollm2', kvCacheType: keysOnly, flashAttention: false }).tuning.kvCacheType).toEqual(keysOnly);
  });

  it.each<{ options: Record<string, unknown>; says: string }>([
    { options: { model: '' }, says: 'llama.model must be a non-empty string' },
    { options: { gpu: 'tpu' }, says: 'llama.gpu must be one of auto, cuda, vulkan, metal, got "tpu"' },
    { options: { gpu: true }, says: 'llama.gpu must be one of' },
    { options: { contextTokens: 63 }, says: 'llama.contextTokens must be an integer >= 64, got 63' },
    { options: { sequences: 0 }, says: 'llama.sequences must be an integer from 1 to 64, got 0' },
    { options: { sequences: 300 }, says: 'llama.sequences must be an integer from 1 to 64, got 300' },
    { options: { processes: 0 }, says: 'llama.processes must be an integer from 1 to 64, got 0' },
    { options: { processes: 'all' }, says: 'llama.processes must be an integer from 1 to 64, got "all"' },
    { options: { sha256: 'b179' }, says: 'llama.sha256 must be 64 hexadecimal digits' },
    { options: { modelRoot: '' }, says: 'llama.modelRoot must be a non-empty string' },
    { options: { maxModelBytes: 0 }, says: 'llama.maxModelBytes must be an integer >= 1' },
    { options: { allowRemote: 'yes' }, says: 'llama.allowRemote must be true or false' },
    { options: { maxWaiting: -1 }, says: 'llama.maxWaiting' },
    { options: { threads: 1.5 }, says: 'llama.threads' },
    { options: { flashAttention: 'no' }, says: 'llama.flashAttention must be true or false' },
    { options: { contextTokens: 'most' }, says: 'llama.contextTokens must be an integer >= 64' },
    { options: { gpuDevices: [] }, says: 'llama.gpuDevices must be a list of names' },
    { options: { gpuDevices: ['0,1'] }, says: 'llama.gpuDevices must be a list of names' },
    { options: { gpuDevices: ['0'], gpu: false }, says: 'llama.gpuDevices are for CUDA and Vulkan, got gpu: false' },
    { options: { gpuLayers: 'most' }, says: 'llama.gpuLayers must be one of auto, all' },
    { options: { gpuLayers: -1 }, says: 'llama.gpuLayers must be an integer >= 0' },
    { options: { batchTokens: 16 }, says: 'llama.batchTokens must be an integer from 32 to 8192' },
    { options: { kvCacheType: 'q2_k' }, says: 'llama.kvCacheType.keys must be one of f32, f16' },
    { options: { kvCacheType: { keys: 'q8_0', values: 'int8' } }, says: 'llama.kvCacheType.values must be one of' },
    { options: { kvCacheType: 'q8_0', flashAttention: false }, says: 'llama.kvCacheType.values q8_0 needs flash attention' },
    { options: { lora: 'a.gguf' }, says: 'llama.lora must be a list' },
    { options: { lora: [{ path: '' }] }, says: 'llama.lora[0].path must be a non-empty string' },
    { options: { lora: [{ path: 'a.gguf', scale: 11 }] }, says: 'llama.lora[0].scale must be a number from -10 to 10' },
    { options: { lora: [{ path: 'a.gguf', weight: 1 }] }, says: 'llama.lora[0] has no option weight' },
    { options: { pooling: 'max' }, says: 'llama.pooling must be one of mean, cls, last' },
    { options: { cacheFolder: ' ' }, says: 'llama.cacheFolder' },
    {
      options: { model: 'gpt-17' },
      says: 'expected one of smollm2, reviews-data, hf:owner/repo/file.gguf, or https://host/path/file.gguf, got "gpt-17"',
    },
    { options: { model: 'reviews-data' }, says: 'llama.model must name a model, got "reviews-data"' },
    { options: { model: 'hf:owner/repo' }, says: 'hf:owner/repo/file.gguf' },
  ])('llama() refuses $options at the call', ({ options, says }) => {
    expect(() => llama({ model: 'smollm2', ...options })).toThrow(says);
  });

  it.each(['/models/a.gguf', './a.gguf', 'a.gguf', 'hf:owner/repo/dir/a.gguf', 'smollm2'])('llama() takes model %s', (model) => {
    expect(llama({ model }).name).toBe(`llama(${model})`);
  });
});
