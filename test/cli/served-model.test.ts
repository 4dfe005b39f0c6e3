import { expect, it } from 'vitest';
import { servedModel } from '../../src/cli/served-model.ts';

it.each([
  ['https://host/v1#qwen3', 'qwen3'],
  ['smollm2', 'smollm2'],
  ['/models/a-b.gguf', 'a-b'],
])('%s is called %s', (model, name) => {
  expect(servedModel({ model, workers: 1, maxCalls: 4 }).name).toBe(name);
});

it.each([
  ['workers of what runs elsewhere', { model: 'http://h/v1#m', workers: 2 }, /--workers are processes of this machine: m runs elsewhere/],
  [
    'their memory',
    { model: 'http://h/v1#m', maxMemoryBytes: 2 ** 30 },
    /--max-memory-mb bounds the processes of models in process: m is none/,
  ],
  ['that of a program', { model: 'llama-server:smollm2', maxMemoryBytes: 2 ** 30 }, /--max-memory-mb bounds/],
  ['less than a process needs', { model: 'smollm2', maxMemoryBytes: 2 ** 26 - 1 }, /llama\.maxMemoryBytes must be an integer/],
  ['a name that is none', { model: 'nothing' }, /expected the name of a model/],
])('refuses %s', (_name, by, says) => {
  expect(() => servedModel({ workers: 1, maxCalls: 4, ...by })).toThrow(says);
});
