import { describe } from 'vitest';
import { describeModel } from '../conformance/describe-model.ts';
import { embeddedModelFile, openEmbedded } from '../helpers/embedded-model.ts';
import { resultOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();

describe.skipIf(file.path === undefined)('on this machine', () => {
  describeModel(
    'llama',
    {
      open: async () => {
        const { model, backend, pool, close } = await openEmbedded({ sequences: 8 });
        const activity = () => resultOf(backend.activity());
        return {
          model,
          close,
          far: {
            working: async () => {
              const { running, waiting } = await activity();
              return running + waiting;
            },
            done: async () => {
              const { inputTokens, outputTokens } = await activity();
              return inputTokens + outputTokens;
            },
            blindTo: ['embeddings', 'labelProbabilities'], // the one have a context of their own, the other are asked for token by token, which nobody counts
            crash: () => {
              for (const pid of pool.pids) process.kill(pid, 'SIGKILL');
            },
          },
        };
      },
      manyCalls: 20, // for eight sequences
      asks: {
        // so small a model repeats nothing; what its grammar allows it says
        exactly: (text) => ({ prompt: 'Say it.', options: { maxTokens: 200, jsonSchema: { const: text } }, text: JSON.stringify(text) }),
        long: { prompt: 'Tell a long story about a miller.', options: { maxTokens: 160 } },
        short: 'Name three colours of the rainbow.',
        label: {
          prompt:
            'Is the sentiment of this product review sentence positive or negative? Answer with one word.\nSentence: It broke after a day, a waste of money.',
          labels: ['positive', 'negative'],
          right: 'negative',
        },
      },
      cannot: {
        reranking: 'it has no such models',
        tensors: 'GGUF files hold language models',
        prices: 'a model on one’s own machine has none',
        faults: 'no prompt brings one about; what ends a process is rule 21’s',
      },
    },
    { eventuallyMs: 60_000 },
  ); // a process begins anew and loads its model, beside whatever else runs
});
