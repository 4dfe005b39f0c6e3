import { openAiCompatible } from '../../src/inference/openai/openai-compatible.ts';
import { startModelServer } from '../helpers/inference/model-server.ts';
import type { ServedKind } from '../helpers/inference/server-dialects.ts';
import { describeModel } from './describe-model.ts';
import type { ModelUnderTest } from './model/model-world.ts';
import { openQuietly } from './open-quietly.ts';

const apiKey = 'sk-very-secret-0123456789';
const prices = { inputPerMillion: 2, outputPerMillion: 10, cachedPerMillion: 1 };

/** A model on a server of its own. */
const served = (kind: ServedKind, cannot: ModelUnderTest['cannot'] = {}): ModelUnderTest => ({
  open: async () => {
    const server = await startModelServer(kind);
    const { value, close } = await openQuietly(openAiCompatible({ baseUrl: server.url, model: 'small', apiKey, server: kind, prices }));
    return {
      model: value,
      close: async () => {
        await close();
        await server.close();
      },
      far: { working: server.running, done: server.done, crash: server.crash },
    };
  },
  prices,
  secrets: [apiKey],
  faults: [
    { prompt: 'Fail: 500', code: 'model_failed' },
    { prompt: 'Fail: 401', code: 'model_unauthorized' },
    { prompt: 'Fail: 404', code: 'model_not_found' },
    { prompt: 'Fail: 429', code: 'overloaded' },
    { prompt: 'Fail: 503', code: 'overloaded' },
    { prompt: 'Fail: 422', code: 'model_rejected' },
  ],
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
