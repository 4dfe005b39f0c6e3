import { answering } from '../../src/inference/route/answering.ts';
import { cascade } from '../../src/inference/route/cascade.ts';
import { parallelModels } from '../../src/inference/route/parallel-models.ts';
import { route } from '../../src/inference/route/route.ts';
import type { Model } from '../../src/inference/model.ts';
import type { ScriptedCall, ScriptedSaying } from '../../src/inference/scripted/script.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import type { Resource } from '../../src/resource.ts';
import { toyBackend, toyPrices } from '../helpers/inference/toy-backend.ts';
import { toyAnswer, toyLabels } from '../helpers/inference/toy-language.ts';
import { describeModel } from './describe-model.ts';
import type { ModelUnderTest } from './model/model-world.ts';
import { openQuietly } from './open-quietly.ts';
import { farSideOf, toyFaults, toyResource } from './toy.ts';

/** The toy language as a script. */
const says = ({ turns, text, options }: ScriptedCall): ScriptedSaying => {
  const status = Number(/Fail: (\d{3})/.exec(text)?.[1] ?? 0);
  if (status > 0) return { fault: { kind: 'status', status } };
  const { tools, toolChoice } = options;
  const tool = tools?.find(({ name }) => typeof toolChoice === 'object' && name === toolChoice.name);
  if (tool) {
    const { tokens } = toyAnswer(turns, { ...options, maxTokens: 1_000, stop: [], jsonSchema: tool.parameters ?? {} });
    return { toolCalls: [{ id: 'call-1', name: tool.name, arguments: tokens.join('') }] };
  }
  return toyAnswer(turns, { ...options, maxTokens: 1_000, stop: [] }).tokens.join('');
};

describeModel('scripted', {
  open: () => {
    const model = scripted(says, {
      ...{ latencyMs: 1, tokenMs: 1, capabilities: { contextTokens: 1_000, tools: true } },
      labels: ({ turns }, labels) => toyLabels(turns, labels),
    });
    const { stats } = model;
    return Promise.resolve({ model, close: () => Promise.resolve(), far: { working: () => stats.running, done: () => stats.calls } });
  },
  asks: { long: { prompt: 'Count to 300', options: { maxTokens: 400 } } },
  faults: [
    { prompt: 'Fail: 500', code: 'model_failed' },
    { prompt: 'Fail: 401', code: 'model_unauthorized' },
    { prompt: 'Fail: 404', code: 'model_not_found' },
    { prompt: 'Fail: 400', code: 'model_rejected' },
  ],
  cannot: {
    tokenProbabilities: 'a script says no more than text',
    stopTokens: 'a script has no special tokens',
    completion: 'a script answers turns',
    reranking: 'a script answers turns',
    tensors: 'a script answers turns',
    crash: 'there is nothing that could: `faults` say what fails',
    prices: 'a script costs nothing',
    cachedPrefix: 'a script keeps nothing',
    close: 'it serves unopened, too, and holds nothing that could be closed',
  },
});

/** Several toys as one model. */
const pooled = (make: (members: readonly Resource<Model>[]) => Resource<Model>, cannot: ModelUnderTest['cannot'] = {}): ModelUnderTest => ({
  open: async () => {
    const toys = ['first', 'second'].map((name) => toyBackend(name));
    const { value, close } = await openQuietly(make(toys.map(toyResource)));
    return { model: value, close, far: farSideOf(toys) };
  },
  prices: toyPrices,
  faults: toyFaults,
  cannot,
});

describeModel(
  'route',
  pooled((models) => route({ models }), { cachedPrefix: 'prompts that begin alike meet one model by the policy `prefix` alone' }),
);
describeModel(
  'route by prefix',
  pooled((models) => route({ models, policy: 'prefix' })),
);
describeModel(
  'answering',
  pooled((models) => {
    const [model = toyResource(toyBackend('first')), ask = model] = models;
    return answering({ model, whenTooLong: [{ truncate: 'tail' }, { ask }] });
  }),
);
describeModel(
  'cascade',
  pooled((models) => cascade({ models }), { streaming: 'a text comes when it is known to stay' }),
);
describeModel(
  'parallelModels',
  pooled((models) => parallelModels({ models }), {
    streaming: 'a text comes when it has won',
    oneRequest: 'it asks all, and its usage is of all that answered',
  }),
);
