import { describe, expect, it } from 'vitest';
import { chooseModel } from '../../../pipelines/reviews/choose-model.ts';

const here = 'http://localhost:8080/v1#qwen3';
const there = 'http://localhost:8081/v1#qwen3';

describe('chooseModel', () => {
  it.each([
    ['smollm2', 'llama(smollm2)', 'completion', ['smollm2'], 4],
    ['./model.gguf', 'llama(./model.gguf)', 'completion', [], 4],
    [here, 'qwen3', 'question', [], 4],
    [`${here},${there}`, 'route', 'question', [], 8],
    [`smollm2, ${here}`, 'route', 'question', ['smollm2'], 8],
    ['llama-server:smollm2', 'server(smollm2)', 'question', ['smollm2'], 4],
    ['llama-server:./model.gguf', 'server(./model.gguf)', 'question', [], 4],
    ['server:vllm serve q --port {port}#q', 'server(q)', 'question', [], 4],
    ['smollm2,./model.gguf,smollm2', 'route', 'completion', ['smollm2'], 12],
  ])('%s', (names, name, asking, pull, concurrency) => {
    const { resource, ...chosen } = chooseModel(names, { concurrency: 4 });
    expect([resource.name, chosen]).toEqual([name, { asking, pull, concurrency }]);
  });

  it.each([
    ['', '--model must name a model'],
    ['smollm2,', '--model must name a model'],
    ['http://localhost:8080/v1', 'a URL must name the model behind a #'],
    ['smollm3', 'smollm3'],
  ])('refuses %j', (names, message) => {
    expect(() => chooseModel(names, { concurrency: 4 })).toThrow(message);
  });
});
