import { expect, it } from 'vitest';
import { chatRequest, completionRequest } from '../../../src/inference/openai/chat-request.ts';
import { serverProfiles } from '../../../src/inference/openai/server-profile.ts';

const settings = { model: 'm', maxTokensField: 'max_tokens', profile: serverProfiles.vllm, extraBody: {} } as const;
const turns = [{ role: 'user', content: 'x' }] as const;

it('leaves out what was not asked for, an empty list of stops too', () => {
  expect(chatRequest(turns, { stop: [] }, settings)).toEqual({ model: 'm', messages: turns });
  expect(chatRequest(turns, { stop: ['a'], topK: 0 }, settings)).toMatchObject({ stop: ['a'], top_k: 0 });
  expect(completionRequest('x', { stop: [] }, settings)).toEqual({ model: 'm', prompt: 'x' });
});

it('asks for one alternative at least', () => {
  expect(chatRequest(turns, { logProbabilities: 0 }, settings)).toMatchObject({ logprobs: true, top_logprobs: 1 });
  expect(completionRequest('x', { logProbabilities: 3 }, settings)).toMatchObject({ logprobs: 3, n_probs: 3 });
});
