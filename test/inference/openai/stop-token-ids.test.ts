import { describe, expect, it } from 'vitest';
import { failureOf } from '../../helpers/failure-of.ts';
import { chunkEvent, type ServerReply } from '../../helpers/openai-server.ts';
import { allOf } from '../../helpers/result-of.ts';
import { served } from './served.ts';

const tokens = (...ids: readonly unknown[]): ServerReply => ({ status: 200, body: { count: ids.length, tokens: ids } });
const answer: ServerReply = { raw: [chunkEvent('x'), chunkEvent(undefined, { finish_reason: 'stop' })] };
const replies = (...given: readonly ServerReply[]) => served((nth) => given[nth - 1] ?? answer, { server: 'vllm' });

describe('special tokens', () => {
  it('are asked for once each, beside the base URL, and sent by their numbers', async () => {
    const { model, server } = await replies(tokens(7), tokens(9));
    await allOf(model.chat('x', { stopTokens: ['<|im_end|>', '[INST]'] }));
    await allOf(model.chat('x', { stopTokens: ['<|im_end|>'] }));
    expect(server.requests.map(({ path }) => path)).toEqual(['/tokenize', '/tokenize', '/v1/chat/completions', '/v1/chat/completions']);
    expect(server.requests[0]?.body).toEqual({ model: 'small', prompt: '<|im_end|>', add_special_tokens: false });
    expect(server.requests.slice(2).map(({ body }) => body['stop_token_ids'])).toEqual([[7, 9], [7]]);
  });

  it('go with continued text, too; without any nothing is asked', async () => {
    const { model, server } = await replies(tokens(7));
    await allOf(model.complete('x', { stopTokens: ['</s>'] }));
    await allOf(model.complete('x', { stopTokens: [] }));
    expect(server.requests.map(({ path, body }) => [path, body['stop_token_ids']])).toEqual([
      ['/tokenize', undefined],
      ['/v1/completions', [7]],
      ['/v1/completions', undefined],
    ]);
  });

  it.each([
    ['a word', 'end', 0, tokens(7)],
    ['several tokens', '<end>', 1, tokens(7, 8)],
    ['nothing', '<end>', 1, tokens()],
    ['another thing', '<end>', 1, { status: 200, body: {} }],
  ] as const)('that are %s to the model: model_rejected', async (_, name, requests, reply) => {
    const { model, server } = await replies(reply);
    expect((await failureOf(allOf(model.chat('x', { stopTokens: [name] })))).code).toBe('model_rejected');
    expect(server.requests).toHaveLength(requests);
  });

  it('that cannot be asked for fail the call as the server does', async () => {
    const { model } = await replies({ status: 503, body: {} });
    expect((await failureOf(allOf(model.chat('x', { stopTokens: ['</s>'] })))).code).toBe('overloaded');
  });
});
