import { triton } from '../../src/inference/triton/triton.ts';
import { startTritonServer, toyLabelNames } from '../helpers/inference/triton-server.ts';
import { describeModel } from './describe-model.ts';
import type { ModelUnderTest } from './model/model-world.ts';
import { faultsOf, onServer } from './served-model.ts';

const apiKey = 'sk-very-secret-0123456789';
const prices = { inputPerMillion: 2, outputPerMillion: 10 };

const tasks = {
  embed: { model: 'vectors', input: 'TEXT', output: 'VECTOR' },
  classify: { model: 'kinds', input: 'TEXT', output: 'LOGITS', labels: toyLabelNames },
};

/** A model that writes, and two of tensors for its tasks, on a server of their own. */
const served = (extensions?: readonly string[]): ModelUnderTest => ({
  open: onServer(
    () => startTritonServer(extensions && { extensions, maxRows: 64 }), // it does not tell how many
    ({ url }) => triton({ url, model: 'toy', apiKey, prices, generate: { backend: 'vllm', template: 'chatml', jsonSchema: true }, tasks }),
  ),
  prices,
  secrets: [apiKey],
  faults: faultsOf([500, 401, 403, 404, 429, 501, 503, 400]),
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
