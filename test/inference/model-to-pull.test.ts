import { expect, it } from 'vitest';
import { modelToPull } from '../../src/inference/model-to-pull.ts';

it.each([
  ['smollm2', 'smollm2'],
  ['hf:owner/repo/file.gguf', 'hf:owner/repo/file.gguf'],
  ['llama-server:smollm2', 'smollm2'],
  ['llama-server:hf:owner/repo/file.gguf', 'hf:owner/repo/file.gguf'],
  ['./models/some.gguf', undefined],
  ['some.gguf', undefined],
  ['llama-server:/models/some.gguf', undefined],
  ['server:vllm serve qwen3 --port {port}#qwen3', undefined],
  ['https://host/v1#qwen3', undefined],
  ['triton:http://host:8000#bert', undefined],
])('what must be there first for %s: %s', (name, file) => {
  expect(modelToPull(name)).toBe(file);
});
