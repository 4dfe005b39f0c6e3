import { openAiCompatible } from '../../src/inference/openai/openai-compatible.ts';
import { startModelServer } from '../helpers/inference/model-server.ts';
import type { ServedKind } from '../helpers/inference/server-dialects.ts';
import { describeModel } from './describe-model.ts';
import type { ModelUnderTest } from './model/model-world.ts';
import { faultsOf, onServer } from './served-model.ts';

const apiKey = 'sk-very-secret-0123456789';
const prices = { inputPerMillion: 2, outputPerMillion: 10, cachedPerMillion: 1 };

/** A model on a server of its own. */
const served = (kind: ServedKind, cannot: ModelUnderTest['cannot'] = {}, api: 'chat' | 'responses' = 'chat'): ModelUnderTest => ({
  open: onServer(
    () => startModelServer(kind),
    ({ url }) => openAiCompatible({ baseUrl: url, model: 'small', apiKey, server: kind, prices, api }),
  ),
  prices,
  secrets: [apiKey],
  faults: faultsOf([500, 401, 404, 429, 503, 422]),
  cannot: {
    exactTokens: 'the API counts nothing before a call',
    contextTokens: 'the server knows it, and refuses what does not fit',
    tensors: 'the API has none',
    ...(kind === 'vllm' ? {} : { stopTokens: 'the API knows stop strings alone' }),
    ...cannot,
  },
});

const noTopK = { topK: 'the server does not know it', minP: 'the server does not know it' } as const;
const chatsAlone = { completion: 'the server chats alone', reranking: 'the server does not rank' } as const;

describeModel('openAiCompatible on openai', served('openai', { ...noTopK, ...chatsAlone }));
describeModel('openAiCompatible on vllm', served('vllm'));
describeModel('openAiCompatible on llama-server', served('llama-server'));
describeModel('openAiCompatible on sglang', served('sglang', { seed: 'the server heeds it with deterministic inference alone' }));
describeModel(
  'openAiCompatible on ollama',
  served('ollama', { ...noTopK, reranking: 'the server does not rank', cachedPrefix: 'the server does not tell' }),
);
describeModel(
  'openAiCompatible on tgi',
  served('tgi', {
    ...noTopK,
    reranking: 'the server does not rank',
    embeddings: 'the server makes none: another program of its makers does',
    cachedPrefix: 'the server does not tell',
  }),
);
describeModel(
  'openAiCompatible on a server of which nothing is known',
  served('generic', {
    ...{ ...noTopK, ...chatsAlone, cachedPrefix: 'the server does not tell' },
    tokenProbabilities: 'nobody knows whether the server tells them',
    labelProbabilities: 'nobody knows whether the server tells them',
  }),
);

const byResponses = {
  seed: 'the Responses API knows none',
  topK: 'the Responses API knows none',
  minP: 'the Responses API knows none',
} as const;
const noStopTokens = { stopTokens: 'the Responses API knows none' } as const;
const tellsNoTokens = { tokenProbabilities: 'it tells none there', labelProbabilities: 'it tells none there' } as const;
const skipped = (rules: readonly number[], reason: string) => rules.map((rule) => ({ rule, reason }));
const noStop = skipped([24], 'the Responses API knows no stop strings, and says so');
const noJson = skipped([2, 33, 34, 36, 37, 49], 'the toy language writes JSON, and one of the labels, only where a schema constrains it');

describeModel('openAiCompatible by the Responses API of openai', served('openai', { ...chatsAlone, ...byResponses }, 'responses'), {
  skip: noStop,
});
describeModel('openAiCompatible by the Responses API of vllm', served('vllm', { ...byResponses, ...noStopTokens }, 'responses'), {
  skip: noStop,
});
describeModel(
  'openAiCompatible by the Responses API of llama-server',
  served(
    'llama-server',
    { ...byResponses, ...tellsNoTokens, jsonSchema: 'it ignores schemas there: the prompt carries them' },
    'responses',
  ),
  { skip: [...noStop, ...noJson] },
);

const chatting = 'the server embeds and ranks alone';
describeModel(
  'openAiCompatible on tei',
  served('tei', {
    ...{ ...noTopK, seed: chatting, topP: chatting, jsonSchema: chatting, completion: chatting, streaming: chatting },
    ...{ tokenProbabilities: chatting, labelProbabilities: chatting, cachedPrefix: chatting, prices: chatting, faults: chatting },
  }),
  { skip: skipped([2, 3, 4, 5, 6, 8, 12, 16, 17, 18, 19, 20, 21, 23, 24, 26, 27, 31, 32, 33, 34, 35, 36, 37, 49, 51], chatting) },
);
