import { describe, expect, it } from 'vitest';
import { classify, codeOf } from '../src/classify.ts';
import { InferenceError, OverloadError, TimeoutError } from '../src/errors.ts';

const withFields = (fields: object): Error => Object.assign(new Error('x'), fields);

describe('an error that is not ours', () => {
  it.each<[unknown, string, string]>([
    [new Error('no luck'), 'record', 'project_threw'],
    ['text', 'record', 'project_threw'],
    [null, 'record', 'project_threw'],
    [undefined, 'record', 'project_threw'],
    [withFields({ code: 'ECONNREFUSED' }), 'transient', 'call_failed'],
    [withFields({ code: 'ENOTFOUND' }), 'transient', 'call_failed'],
    [withFields({ code: 'ENOENT' }), 'record', 'project_threw'],
    [withFields({ code: 'ENOSPC' }), 'resource', 'resource_exhausted'],
    [withFields({ code: 'EMFILE' }), 'resource', 'resource_exhausted'],
    [withFields({ status: 429 }), 'overload', 'overloaded'],
    [withFields({ status: 503 }), 'overload', 'overloaded'],
    [withFields({ status: 529 }), 'overload', 'overloaded'],
    [withFields({ status: 507 }), 'resource', 'resource_exhausted'],
    [withFields({ status: 500 }), 'transient', 'call_failed'],
    [withFields({ status: 408 }), 'transient', 'call_failed'],
    [withFields({ status: 404 }), 'record', 'project_threw'],
    [withFields({ status: 401 }), 'record', 'project_threw'], // perhaps one tenant's key: no reason to stop all others
    [withFields({ response: { status: 429 } }), 'overload', 'overloaded'], // axios, ky
    [withFields({ response: { statusCode: 502 } }), 'transient', 'call_failed'], // got
    [withFields({ $metadata: { httpStatusCode: 503 } }), 'overload', 'overloaded'], // the AWS SDK
    [withFields({ status: '429' }), 'record', 'project_threw'],
    [new DOMException('slow', 'TimeoutError'), 'transient', 'call_failed'],
    [new DOMException('gone', 'AbortError'), 'record', 'project_threw'],
    [new TypeError('fetch failed', { cause: withFields({ code: 'ECONNRESET' }) }), 'transient', 'call_failed'],
    [new Error('wrapped', { cause: new OverloadError('busy') }), 'overload', 'overloaded'],
    [new Error('wrapped', { cause: new InferenceError('model_unauthorized', 'no key') }), 'pipeline', 'model_unauthorized'],
    [withFields({ status: 400, cause: withFields({ code: 'ECONNRESET' }) }), 'record', 'project_threw'], // the outermost that says something
  ])('%s: %s', (error, grade, code) => {
    expect([classify(error), codeOf(error)]).toEqual([grade, code]);
  });

  it('may bite its own tail', () => {
    const [a, b] = [new Error('a'), new Error('b')];
    a.cause = b;
    b.cause = a;
    expect(classify(a)).toBe('record');
  });
});

describe('an error of ours', () => {
  it.each<[Error, string, string]>([
    [new InferenceError('model_unauthorized', 'x'), 'pipeline', 'model_unauthorized'],
    [new TimeoutError('x'), 'transient', 'call_timeout'],
    [new InferenceError('model_rejected', 'x', { status: 500 }), 'record', 'model_rejected'],
  ])('%s: %s', (error, grade, code) => {
    expect([classify(error), codeOf(error)]).toEqual([grade, code]);
  });
});
