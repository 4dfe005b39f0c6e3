import { of, throwError } from 'rxjs';
import { InferenceError } from '../../errors.ts';
import { estimatePromptTokens } from '../internal/estimate-tokens.ts';
import type { ModelBackend, ModelCapabilities, SamplingOption } from '../model.ts';
import { askTensors } from './ask-tensors.ts';
import { generation } from './generate.ts';
import { classification, embedding } from './tensor-tasks.ts';
import type { TritonCalls } from './triton-calls.ts';
import type { TritonOptions } from './triton-options.ts';
import { serverState } from './server-state.ts';
import { joinedInfer, type JoinedInferOptions } from './joined-infer.ts';

/** What a back end of the server takes beyond the common options. */
const sampling: Readonly<Record<'vllm' | 'tensorrt-llm', readonly SamplingOption[]>> = {
  vllm: ['topP', 'topK', 'minP', 'seed'],
  'tensorrt-llm': ['topP', 'topK', 'seed'],
};

/** The calls of one model. Each is one request, but for texts beyond the model's largest batch, and what the model says of itself, which is asked once. */
export function tritonBackend(calls: TritonCalls): ModelBackend {
  const { name, options } = calls;
  const { tasks = {}, generate, prices } = options;
  const infer: NonNullable<ModelBackend['infer']> = (inputs, ctx) =>
    calls.request(ctx, async function* (asked) {
      yield await askTensors(calls, asked, { inputs, outputs: requestedOutputs(options) });
    });
  return {
    name,
    capabilities: capabilitiesOf(options),
    ...(prices && { prices }),
    ...(generate ? generation(calls, generate) : { chat: () => throwError(() => noChat(name)) }),
    ...(tasks.embed && embedding(calls, tasks.embed)),
    ...(tasks.classify && classification(calls, tasks.classify)),
    infer:
      options.batch === undefined
        ? infer
        : joinedInfer(infer, { ...options.batch, mostRows: mostRowsOf(calls), priority: options.priority }),
    countTokens: (turns) => of(estimatePromptTokens(turns)),
    state: serverState(calls),
    warmUp: () =>
      calls.request<never>(undefined, async function* ({ signal }) {
        const { path, facts } = calls.model();
        const [ready] = await Promise.all([calls.http({ path: `${path}/ready`, signal }), facts.get(signal)]);
        await ready.body?.cancel();
        yield* [];
      }),
  };
}

const mostRowsOf =
  (calls: TritonCalls): JoinedInferOptions['mostRows'] =>
  (ctx) =>
    calls.request(ctx, async function* ({ signal }) {
      yield (await calls.model().facts.get(signal)).maxRows;
    });

function requestedOutputs({ outputs = [], classification: classes = {} }: TritonOptions) {
  const all = [...outputs, ...Object.keys(classes).filter((one) => !outputs.includes(one))];
  return all.map((name) => ({ name, classification: classes[name] }));
}

const capabilitiesOf = ({ contextTokens, generate, tasks = {} }: TritonOptions): ModelCapabilities => ({
  contextTokens,
  jsonSchema: generate?.jsonSchema ?? false,
  logProbabilities: tasks.classify !== undefined,
  embeddings: tasks.embed !== undefined,
  completion: generate !== undefined,
  reranking: false,
  tensors: true,
  sampling: generate === undefined ? [] : sampling[generate.backend],
  exactTokens: false,
});

const noChat = (name: string): InferenceError =>
  new InferenceError(
    'capability_missing',
    `model ${name} writes no text, as far as its options say: give generate, with the back end of the server and a template`,
  );
