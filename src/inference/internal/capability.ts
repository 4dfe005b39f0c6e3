import { type Observable, throwError } from 'rxjs';
import { InferenceError } from '../../errors.ts';
import type { ChatOptions, ModelCapabilities, SamplingOption } from '../model.ts';

const does = {
  calibration: 'tells no log-probabilities, without which labels cannot be calibrated; leave calibrate out',
  completion: 'continues no plain text; use chat',
  embeddings: 'makes no embeddings; use a model that does, as a resource of its own',
  reranking: 'ranks no documents; use a reranker, as a resource of its own',
  tensors: 'takes no tensors; use a back end for such models, as a resource of its own',
} as const;

/** Fails for what a model cannot do at all. */
export const missing = (model: string, what: keyof typeof does): Observable<never> =>
  throwError(() => new InferenceError('capability_missing', `model ${model} ${does[what]}`));

const samplingOptions: readonly SamplingOption[] = ['topP', 'topK', 'minP', 'seed', 'stopTokens', 'logProbabilities'];

/** What the options ask for and the back end would leave out in silence. */
export function missingSampling(
  model: string,
  { sampling, tools = false }: ModelCapabilities,
  options: Pick<ChatOptions, SamplingOption | 'tools'> | undefined,
): InferenceError | undefined {
  if (options?.tools !== undefined && !tools)
    return new InferenceError(
      'capability_missing',
      `model ${model} does not choose among tools: use a back end that does, or name the tool and ask for its arguments by a jsonSchema`,
    );
  const absent = samplingOptions.filter((one) => options?.[one] !== undefined && !sampling.includes(one));
  if (absent.length === 0) return undefined;
  return new InferenceError(
    'capability_missing',
    `model ${model} knows no ${absent.join(', ')}: leave it out, or use a back end that does`,
  );
}
