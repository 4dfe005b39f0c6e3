import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../src/inference/openai/batch-output.ts';
import { allOf } from '../../helpers/result-of.ts';
import { replyLine } from './batch-server.ts';
import { asking, batching, shown } from './batching.ts';

const body = (status_code: number, error: object | undefined): object => ({
  custom_id: 'a',
  response: { status_code, request_id: 'r', body: error && { error } },
  error: null,
});

describe('what one request comes to', () => {
  it.each<[string, object, string]>([
    ['a long prompt', body(400, { code: 'context_length_exceeded', message: 'no' }), 'prompt_too_long'],
    ['a filtered prompt', body(400, { code: 'content_filter', message: 'no' }), 'answer_refused'],
    ['an error of the server', body(500, { message: 'no' }), 'model_failed'],
    ['an error without a body', body(500, undefined), 'model_failed'],
    ['too many tokens at once', body(429, { code: 'rate_limit_exceeded', message: 'no' }), 'overloaded'],
    ['an expired line', { custom_id: 'a', response: null, error: { code: 'batch_expired', message: 'over' } }, 'model_unavailable'],
    ['an answer without a reason to end', { custom_id: 'a', response: { status_code: 200, body: { choices: [] } } }, 'model_failed'],
    ['an answer that was given up', replyLine('a', 'hal', 'abort'), 'model_failed'],
  ])('%s: %3$s', async (_, line, code) => {
    const { model } = await batching({
      answer: ({ custom_id: id }) => (id === 'a' ? { failed: true, line: line as Record<string, unknown> } : { line: replyLine(id, 'ok') }),
    });
    const results = await allOf(model.ask(asking('a', 'b')));
    expect(Object.fromEntries(shown(results))).toEqual({ a: code, b: 'ok' });
  });

  it.each([
    ['length', 'x', null, 'length', 'x'],
    ['stop', null, 'no', 'refused', 'no'],
    ['stop', null, null, 'stop', ''],
    ['stop', 'x', '', 'stop', 'x'],
  ] as const)('an answer that ends with %s, content %j, refusal %j: %s', async (reason, content, refusal, finishReason, text) => {
    const line = {
      custom_id: 'a',
      response: { status_code: 200, body: { choices: [{ message: { content, refusal }, finish_reason: reason }] } },
    };
    const { model } = await batching({ answer: () => ({ line }) });
    expect(await allOf(model.ask(asking('a')))).toEqual([{ id: 'a', reply: { text, finishReason, usage: undefined, model: undefined } }]);
  });

  it.each(['expired', 'cancelled'])('of a batch that has %s, what is done is told, and the rest fails', async (status) => {
    const { model } = await batching({
      status: () => status,
      answer: ({ custom_id: id }) => (id === 'a' ? { line: replyLine(id, 'ok') } : undefined),
    });
    expect(shown(await allOf(model.ask(asking('a', 'b'))))).toEqual([
      ['a', 'ok'],
      ['b', 'model_unavailable'],
    ]);
  });

  it('is told once, and of nobody who did not ask', async () => {
    const { model } = await batching({
      answer: ({ custom_id: id }, nth) => ({ failed: nth > 0, line: replyLine(nth > 0 ? 'a' : id, String(nth)) }),
    });
    expect(shown(await allOf(model.ask(asking('a', 'b'))))).toEqual([
      ['a', '0'],
      ['b', 'model_unavailable'],
    ]);
  });
});

it.each([1, 2, 3, 100])('lines are put together of pieces of %i bytes, the last one without an end too', async (size) => {
  const bytes = Buffer.from('grün\n\n\u{1f469} x\nend');
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
  const lines: string[] = [];
  for await (const line of linesOf(ReadableStream.from(pieces), 10)) lines.push(line);
  expect(lines).toEqual(['grün', '', '\u{1f469} x', 'end']);
});
