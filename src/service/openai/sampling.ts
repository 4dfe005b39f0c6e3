import { z } from 'zod';
import type { ChatOptions, Model } from '../../inference/model.ts';
import { RequestError } from './api-error.ts';
import { maybe } from './maybe.ts';

/** Of chat and of completions. What is not here, penalties among it, is ignored. */
export const samplingShape = {
  model: maybe(z.string().max(256)),
  max_tokens: maybe(z.int().min(1)),
  temperature: maybe(z.number().min(0).max(2)),
  top_p: maybe(z.number().min(0).max(1)),
  top_k: maybe(z.int().min(0).max(1_000)),
  min_p: maybe(z.number().min(0).max(1)),
  seed: maybe(z.number().refine(Number.isInteger, 'expected an integer')), // OpenAI's are of 64 bits
  stop: maybe(z.union([z.string().min(1), z.array(z.string().min(1)).max(16)])),
  n: maybe(z.int()),
  stream: maybe(z.boolean()),
  stream_options: maybe(z.object({ include_usage: maybe(z.boolean()) })),
} as const;

const seeds = 2 ** 32; // what models in process tell apart

type Sampling = z.output<z.ZodObject<typeof samplingShape>>;

/**
 * How an answer is drawn. `seed` and `top_p` are left out where the model cannot: they are hints; `top_k` and `min_p` are not, and the model refuses them.
 * @throws RequestError for several answers at once.
 */
export function samplingOf(body: Sampling, { capabilities }: Model, defaultTemperature: number): ChatOptions {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, seed, stop, n } = body;
  if (n !== undefined && n !== 1) throw new RequestError(`n must be 1, got ${String(n)}: ask several times`, { param: 'n' });
  const can = (name: (typeof capabilities.sampling)[number]): boolean => capabilities.sampling.includes(name);
  return {
    temperature: temperature ?? defaultTemperature,
    ...(topP !== undefined && topP < 1 && can('topP') ? { topP } : {}),
    ...(topK !== undefined && topK > 0 ? { topK } : {}),
    ...(minP !== undefined && minP > 0 ? { minP } : {}),
    ...(seed !== undefined && can('seed') ? { seed: ((seed % seeds) + seeds) % seeds } : {}),
    ...(stop === undefined ? {} : { stop: typeof stop === 'string' ? [stop] : stop }),
  };
}

/** The body as it has to be. @throws RequestError that names the first field that is not. */
export function parsed<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RequestError('the body must be a JSON object, sent with content-type: application/json');
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.map(String).join('.');
  throw new RequestError(`${param ?? 'the body'}: ${issue?.message ?? 'not as it has to be'}`, { param });
}
