import { describe, expect, it } from 'vitest';
import { BreakerOpenError, type ErrorCode, InferenceError, OptionError, OverloadError, TimeoutError } from '../../../src/errors.ts';
import { endOf, movesOn } from '../../../src/inference/route/call-end.ts';

const rules = { random: () => 0.5, nowMs: 0, brokenMs: 9_000 };
const failed = (isFinal: boolean, retryAfterMs = 0) => ({ end: 'failed', isFinal, random: 0.5, retryAfterMs });
const inference = (code: ErrorCode): InferenceError => new InferenceError(code, code);
const [left, succeeded] = [{ end: 'left' }, { end: 'succeeded' }];

const refused = inference('model_unauthorized');

describe('what an error says of the model, and whether the next one is asked', () => {
  it.each<[string, unknown, boolean, object]>([
    ['a failure that may pass', inference('model_failed'), true, failed(false)],
    ['a timeout', new TimeoutError('late'), true, failed(false)],
    ['somebody else’s socket', Object.assign(new Error('gone'), { code: 'ECONNRESET' }), true, failed(false)],
    [
      'an overload, for as long as it says and a little longer',
      new OverloadError('full', { retryAfterMs: 2_000 }),
      true,
      failed(true, 2_100),
    ],
    ['a pool within that is out', new BreakerOpenError('out', { retryAfterMs: 100 }), true, failed(true, 105)],
    ['a key that is refused', refused, true, { ...failed(true, 9_000), needsPerson: refused }],
    ['what it cannot do', inference('capability_missing'), true, left],
    ['a schema that it cannot hold', inference('schema_unsupported'), true, left],
    ['a prompt that is too long for it', inference('prompt_too_long'), true, left],
    ['an empty answer: it is there', inference('answer_empty'), true, succeeded],
    ['an answer that does not fit: so would others', inference('answer_invalid'), false, succeeded],
    ['a record that it rejects', inference('model_rejected'), false, succeeded],
    ['an error of a record', new Error('what'), false, left],
    ['a mistake of ours', new OptionError('wrong'), false, left],
    ['a cancellation', new DOMException('gone', 'AbortError'), false, left],
  ])('%s', (_, error, isNextAsked, end) => {
    expect([movesOn(error), endOf(error, rules)]).toEqual([isNextAsked, end]);
  });
});
