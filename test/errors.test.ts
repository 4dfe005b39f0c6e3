import { describe, expect, it } from 'vitest';
import { type ErrorCode, type Grade, gradeOf, messageOf, requireNumber, StreamError } from '../src/errors.ts';

describe('the message of anything that was thrown', () => {
  it.each([
    { thrown: new Error('no luck'), message: 'no luck' },
    { thrown: new RangeError(''), message: 'RangeError' },
    { thrown: 'no luck', message: 'no luck' },
    { thrown: null, message: 'thrown value null' },
    { thrown: undefined, message: 'thrown value of type undefined' },
    { thrown: { secret: 1 }, message: 'thrown value of type object' },
  ])('$message', ({ thrown, message }) => {
    expect(messageOf(thrown)).toBe(message);
  });
});

describe('the grade of a code', () => {
  // one reader's eyes over all of them: a code that is added must be thought of here, too
  const expected: Readonly<Record<Grade, readonly ErrorCode[]>> = {
    transient: [
      'transport_unavailable',
      'registry_unavailable',
      'call_timeout',
      'call_failed',
      'model_unavailable',
      'model_crashed',
      'model_failed',
      'answer_empty',
      'tool_failed',
    ],
    overload: ['overloaded', 'breaker_open'],
    resource: ['resource_exhausted'],
    record: [
      ...(['pipeline_threw', 'project_threw', 'no_result', 'lineage_reused', 'envelope_lost', 'deadline_exceeded'] as const),
      ...([
        'batch_size_mismatch',
        'not_singled_out',
        'cross_partition_output',
        'unknown_route',
        'too_many_parts',
        'decode_failed',
        'encode_failed',
      ] as const),
      ...([
        'schema_violation',
        'unexpected_tombstone',
        'undecodable_batch',
        'unreadable_document',
        'record_too_large',
        'record_rejected',
        'call_too_large',
      ] as const),
      ...([
        'model_rejected',
        'model_killed',
        'prompt_too_long',
        'answer_invalid',
        'answer_truncated',
        'answer_refused',
        'tool_refused',
      ] as const),
    ],
    pipeline: [
      ...(['invalid_option', 'pipeline_stopped', 'resource_failed', 'unreadable_metadata', 'missing_dependency'] as const),
      ...(['transport_failed', 'authentication_failed', 'unknown_topic', 'fenced'] as const),
      ...(['registry_failed', 'schema_not_found', 'schema_incompatible'] as const),
      ...(['journal_full', 'journal_read_only', 'journal_failed', 'journal_in_use'] as const),
      ...(['model_not_found', 'model_damaged', 'model_unauthorized', 'schema_unsupported', 'capability_missing'] as const),
    ],
  };
  const rows = Object.entries(expected).flatMap(([grade, codes]) => codes.map((code) => ({ code, grade })));

  it.each(rows)('$code: $grade', ({ code, grade }) => {
    const error = new StreamError(code, 'x');
    expect([error.grade, error.retryable]).toEqual([grade, ['transient', 'overload', 'resource'].includes(grade)]);
  });

  it('is one for each, and known of all', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual(Object.keys(gradeOf).sort());
  });
});

it.each([
  [[Number.MIN_VALUE], 'n must be a number above 0, got 0'],
  [[Number.MIN_VALUE, 1], 'n must be a number above 0 and at most 1, got 0'],
  [[1], 'n must be a number >= 1, got 0'],
  [[1, 2], 'n must be a number from 1 to 2, got 0'],
] as const)('says which numbers it takes: %j', ([min, max], says) => {
  expect(() => {
    requireNumber('n', 0, min, max);
  }).toThrow(says);
});
