import { describe, expect, it } from 'vitest';
import { InferenceError, OverloadError, TimeoutError } from '../../src/errors.ts';
import { type BackEnd, overloadAnswers, saysOverload } from '../../src/policies/overload-answers.ts';

const timeout = new TimeoutError('slow');
const rows: readonly [BackEnd, unknown, boolean][] = [
  ['any', new OverloadError('x', { status: 429 }), true],
  ['any', new OverloadError('x', { status: 529 }), true],
  ['any', new OverloadError('the queue is full'), true],
  ['any', { status: 503 }, true],
  ['any', { response: { status: 429 } }, true],
  ['any', new Error('fetch failed', { cause: { status: 503 } }), true],
  ['any', timeout, true],
  ['any', new DOMException('x', 'TimeoutError'), true],
  ['any', { status: 504 }, true],
  ['any', { status: 500 }, false],
  ['any', { status: 400 }, false],
  ['any', new InferenceError('model_failed', 'x', { status: 500 }), false],
  ['any', new InferenceError('prompt_too_long', 'x'), false],
  ['any', new Error('no'), false],
  ['any', 'no', false],
  ['openai', { status: 529 }, false],
  ['openai', timeout, false],
  ['openai', { status: 429 }, true],
  ['anthropic', { status: 529 }, true],
  ['anthropic', { status: 504 }, false],
  ['vllm', timeout, true],
  ['triton', { status: 503 }, true],
  ['triton', { status: 529 }, false],
  ['triton', timeout, true],
  ['llama', new OverloadError('the queue is full'), true],
];

describe('saysOverload', () => {
  it.each(rows)('%s: %s is %s', (backEnd, error, expected) => {
    expect(saysOverload(error, overloadAnswers[backEnd])).toBe(expected);
  });
});
