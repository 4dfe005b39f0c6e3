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

  it.each<{ options: Record<string, unknown>; says: string }>([
    { options: { model: '' }, says: 'llama.model must be a non-empty string' },
    { options: { gpu: 'tpu' }, says: 'llama.gpu must be one of auto, cuda, vulkan, metal, got "tpu"' },
    { options: { gpu: true }, says: 'llama.gpu must be one of' },
    { options: { contextTokens: 63 }, says: 'llama.contextTokens must be an integer >= 64, got 63' },
    { options: { sequences: 0 }, says: 'llama.sequences must be an integer from 1 to 64, got 0' },
    { options: { sequences: 300 }, says: 'llama.sequences must be an integer from 1 to 64, got 300' },
    { options: { maxWaiting: -1 }, says: 'llama.maxWaiting' },
    { options: { threads: 1.5 }, says: 'llama.threads' },
    { options: { flashAttention: 'no' }, says: 'llama.flashAttention must be true or false' },
    { options: { cacheFolder: ' ' }, says: 'llama.cacheFolder' },
    { options: { model: 'gpt-17' }, says: 'expected one of smollm2, reviews-data, or hf:owner/repo/file.gguf, got "gpt-17"' },
    { options: { model: 'reviews-data' }, says: 'llama.model must name a model, got "reviews-data"' },
    { options: { model: 'hf:owner/repo' }, says: 'hf:owner/repo/file.gguf' },
  ])('llama() refuses $options at the call', ({ options, says }) => {
    expect(() => llama({ model: 'smollm2', ...options })).toThrow(says);
  });

  it.each(['/models/a.gguf', './a.gguf', 'a.gguf', 'hf:owner/repo/dir/a.gguf', 'smollm2'])('llama() takes model %s', (model) => {
    expect(llama({ model }).name).toBe(`llama(${model})`);
  });
});
