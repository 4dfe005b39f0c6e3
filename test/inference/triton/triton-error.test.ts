import { describe, expect, it, vi } from 'vitest';
import type { ErrorCode } from '../../../src/errors.ts';
import type { TritonReply } from '../../helpers/inference/triton-server.ts';
import { apiKey, failing, inferred, said, served } from './served.ts';

const output = (more: object, header?: string): TritonReply => ({
  status: 200,
  body: JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1], ...more }] }),
  ...(header === undefined ? {} : { headers: { 'inference-header-content-length': header } }),
});
describe('faults', () => {
  it.each<readonly [string, TritonReply, ErrorCode]>([
    ['a full queue', said(503, '[request id: <id_unknown>] Exceeds maximum queue size'), 'overloaded'],
    ['a queue that took too long', said(503, 'Request timeout expired'), 'overloaded'],
    ['429', said(429, ''), 'overloaded'],
    ['a model that loads', said(503, "'toy' version 1 is not at ready state"), 'model_unavailable'],
    ['a gateway', { status: 502, body: '<html>' }, 'model_unavailable'],
    ['an unknown model, with a status of old', said(400, "Request for unknown model: 'toy' is not found"), 'model_not_found'],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'model_not_found'],
    ['a page', { status: 200, body: '<!doctype html>' }, 'model_not_found'],
    ['a restricted protocol', said(403, "This API is restricted, expecting header 'triton-key'"), 'model_unauthorized'],
    ['a decoupled model', said(501, "HTTP end point doesn't support models with decoupled transaction policy"), 'capability_missing'],
    ['memory', said(500, 'CUDA out of memory. Tried to allocate 2 GiB'), 'resource_exhausted'],
    ['a refusal', said(400, "unexpected shape for input 'x'"), 'model_rejected'],
    ['a refusal by FastAPI', { status: 422, body: JSON.stringify({ detail: [{ msg: 'no' }] }) }, 'model_rejected'],
    ['too much', said(400, 'request JSON length of 70000000 bytes exceeds the maximum allowed input size of 67108864'), 'model_rejected'],
    ['a failure', said(500, 'Internal'), 'model_failed'],
    ['an error with status 200', said(200, 'oops'), 'model_failed'],
    ['nothing', { status: 200 }, 'model_failed'],
    ['no JSON', { status: 200, body: '{"outputs": [NaN' }, 'model_failed'],
    ['no outputs', { status: 200, body: '{}' }, 'model_failed'],
    ['too few values', output({ data: [] }), 'model_failed'],
    ['too many values', output({ data: [1, 2] }), 'model_failed'],
    ['text in place of numbers', output({ data: ['1'] }), 'model_failed'],
    ['null', output({ data: [null] }), 'model_failed'],
    ['a shape below 0', output({ shape: [-1], data: [] }), 'model_failed'],
    ['a shape that no memory holds', output({ shape: [2 ** 40, 2 ** 40], data: [] }), 'model_failed'],
    ['an unknown kind', output({ datatype: 'FP8', data: [1] }), 'model_failed'],
    [
      'more than 64 bits',
      { status: 200, body: '{"outputs":[{"name":"y","datatype":"INT64","shape":[1],"data":[9223372036854775808]}]}' },
      'model_failed',
    ],
    ['a number below 0 of a kind that has none', output({ datatype: 'UINT8', data: [-1] }), 'model_failed'],
    ['bytes that are not there', output({ parameters: { binary_data_size: 4 } }), 'model_failed'],
    ['a length that lies', output({ data: [1] }, '100000'), 'model_failed'],
    ['a length that is none', output({ data: [1] }, '-1'), 'model_failed'],
    [
      'bytes that nobody speaks of',
      { status: 200, body: '{"outputs":[]}1234', headers: { 'inference-header-content-length': '14' } },
      'model_failed',
    ],
    ['an answer that is torn', { status: 200, headers: { 'content-length': '100' }, body: '{"outputs"', tears: true }, 'model_failed'],
    ['an answer that is too long', { status: 200, body: ' '.repeat(3_000) }, 'model_rejected'],
  ])('%s', async (_, reply, code) => {
    const { model } = await served({ maxAnswerBytes: 2_500 }, { reply: ({ path }) => (path.endsWith('/infer') ? reply : undefined) });
    const failure = await failing(model.infer([{ name: 'x', shape: [1], data: Float32Array.of(1) }]));
    expect(failure).toMatchObject({ code });
  });

  it('of an overload tell when to come again, and none repeats a key', async () => {
    const headers = { 'x-gate': 'letmein-4711' };
    const { model } = await served(
      { headers },
      { reply: ({ path }) => (path === '/v2' ? said(429, `no ${apiKey} and letmein-4711`, { 'retry-after': '2' }) : undefined) },
    );
    const failure = await failing(model.infer([{ name: 'x', shape: [1], data: Float32Array.of(1) }]));
    expect(failure).toMatchObject({ code: 'overloaded', retryAfterMs: 2_000 });
    expect(JSON.stringify([failure, String(failure)])).not.toMatch(/secret|4711/);
  });

  it('of what the model says of itself pass: the next call asks again', async () => {
    let isDown = true;
    const { model } = await served({}, { reply: ({ path }) => (isDown && path === '/v2/models/toy' ? said(500, 'no') : undefined) });
    expect(await failing(model.infer([{ name: 'x', shape: [1], data: Float32Array.of(1) }]))).toMatchObject({ code: 'model_failed' });
    isDown = false;
    expect(await inferred(model, { name: 'x', shape: [1], data: Float32Array.of(1) })).toHaveLength(1);
  });

  it('of a call that is left do not reach those that wait for the same question', async () => {
    let isHeld = true;
    const { model } = await served({}, { reply: ({ path }) => (isHeld && path === '/v2' ? 'hang' : undefined) });
    const left = model.infer([{ name: 'x', shape: [1], data: Float32Array.of(1) }]).subscribe();
    await new Promise(setImmediate);
    left.unsubscribe(); // gives the question up
    isHeld = false;
    await vi.waitFor(async () => {
      expect(await inferred(model, { name: 'x', shape: [1], data: Float32Array.of(1) })).toHaveLength(1);
    });
  });
});
