import { triton } from '../../src/inference/triton/triton.ts';
import { startTritonServer, toyLabelNames } from '../helpers/inference/triton-server.ts';
import { describeModel } from './describe-model.ts';
import type { ModelUnderTest } from './model/model-world.ts';
import { openQuietly } from './open-quietly.ts';

const apiKey = 'sk-very-secret-0123456789';
const prices = { inputPerMillion: 2, outputPerMillion: 10 };

/** A model that writes, and two of tensors for its tasks, on a server of their own. */
const served = (extensions?: readonly string[]): ModelUnderTest => ({
  open: async () => {
    const server = await startTritonServer(extensions && { extensions, maxRows: 64 }); // it does not tell how many
    const tasks = {
      embed: { model: 'vectors', input: 'TEXT', output: 'VECTOR' },
      classify: { model: 'kinds', input: 'TEXT', output: 'LOGITS', labels: toyLabelNames },
    };
    const { value, close } = await openQuietly(
      triton({ url: server.url, model: 'toy', apiKey, prices, generate: { backend: 'vllm', template: 'chatml', jsonSchema: true }, tasks }),
    );
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
    { prompt: 'Fail: 403', code: 'model_unauthorized' },
    { prompt: 'Fail: 404', code: 'model_not_found' },
    { prompt: 'Fail: 429', code: 'overloaded' },
    { prompt: 'Fail: 501', code: 'capability_missing' },
    { prompt: 'Fail: 503', code: 'overloaded' },
    { prompt: 'Fail: 400', code: 'model_rejected' },
  ],
  cannot: {
    exactTokens: 'the protocol counts nothing before a call',
    contextTokens: 'the server knows it, and refuses what does not fit',
    stopTokens: 'the protocol knows stop strings alone',
    tokenProbabilities: 'the generate extension has them as one text for each piece, whose tokens are not those of the text',
    reranking: 'the protocol has none',
    cachedPrefix: 'the server does not tell',
  },
});

const noMarkers = [
  { rule: 27, reason: 'the generate extension takes one text: markers in a prompt are broken by a character, or they would be markers' },
];

describeModel('triton', served(), { skip: noMarkers });
describeModel('triton on a server without extensions: tensors as JSON', served([]), { skip: noMarkers });
