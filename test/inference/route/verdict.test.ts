import { describe, expect, it } from 'vitest';
import { type ErrorCode, InferenceError, OverloadError, type StreamError } from '../../../src/errors.ts';
import type { Standstill } from '../../../src/inference/route/pool.state.ts';
import { verdict } from '../../../src/inference/route/verdict.ts';

const inference = (code: ErrorCode): InferenceError => new InferenceError(code, code);
const asked = (isWhole = true): Standstill => ({ why: 'asked', isWhole });
const cannot = (tooLong = false, isWhole = true): Standstill => ({ why: 'cannot', tooLong, isWhole });
const out: Standstill = { why: 'out', isWhole: true, untilMs: 5_000, needPerson: [] };
const refused: Standstill = { ...out, needPerson: [inference('model_unauthorized'), inference('model_not_found')] };

describe('verdict', () => {
  it.each<[string, Standstill, readonly unknown[], boolean, ErrorCode]>([
    ['an overload before all else', asked(), [inference('model_failed'), new OverloadError('full')], false, 'overloaded'],
    [
      'what may pass before what a person must mend',
      asked(),
      [inference('model_unauthorized'), inference('model_failed')],
      false,
      'model_failed',
    ],
    [
      'what a person must mend before the record',
      asked(),
      [inference('prompt_too_long'), inference('model_unauthorized')],
      false,
      'model_unauthorized',
    ],
    ['too long for all', asked(), [inference('prompt_too_long')], false, 'prompt_too_long'],
    ['too long for those that are open', asked(false), [inference('prompt_too_long')], false, 'model_unavailable'],
    ['a failure, though others are not open', asked(false), [inference('model_failed')], false, 'model_failed'],
    ['nobody can', cannot(), [], false, 'capability_missing'],
    ['nobody has room', cannot(true), [], false, 'prompt_too_long'],
    ['nobody that is open can', cannot(false, false), [], false, 'model_unavailable'],
    ['all are out, and nobody was asked', out, [], false, 'breaker_open'],
    ['all are out now, and somebody waits', out, [inference('model_failed')], true, 'breaker_open'],
    ['all are out now, and nobody waits', out, [inference('model_failed')], false, 'model_failed'],
    ['all are out for what a person must mend', refused, [], false, 'model_unauthorized'],
    ['all are out for what a person must mend, and somebody waits', refused, [inference('model_failed')], true, 'model_unauthorized'],
    ['too long for some, and the others are out', out, [inference('prompt_too_long')], false, 'breaker_open'],
  ])('%s', (_, stands, errors, waits, code) => {
    expect(verdict('pool', stands, errors, 2_000, () => waits)).toMatchObject({ code });
  });

  it('says when the first is tried again, and what was the last failure', () => {
    const cause = inference('model_failed');
    const open = verdict('pool', out, [cause], 2_000, () => true) as StreamError;
    expect([open.retryAfterMs, open.cause, open.message]).toEqual([
      3_000,
      cause,
      'every model of pool that can do this is left alone for its failures, the first of them for 3000 ms more; the last failure: model_failed',
    ]);
  });
});
