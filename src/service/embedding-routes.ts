import { lastValueFrom, Observable, takeUntil } from 'rxjs';
import { z } from 'zod';
import { inScope, scopeOf } from '../call.ts';
import { RecordError } from '../errors.ts';
import type { Embedding } from '../inference/model.ts';
import { askedBy, goneSignal, type HttpApp } from './http-app.ts';
import { RequestError } from './openai/api-error.ts';
import { maybe } from './openai/maybe.ts';
import { parsed } from './openai/sampling.ts';
import type { Asking } from './asking.ts';
import { modelNamed, type ServedModel, type ServiceCore } from './service-core.ts';

const mostTexts = 2_048; // what OpenAI's servers take

const schema = z.object({
  model: maybe(z.string().max(256)),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(mostTexts)], {
    error: `must be a text, or a list of 1 to ${String(mostTexts)} texts, none of them empty`,
  }),
  encoding_format: maybe(z.enum(['float', 'base64'])),
  dimensions: maybe(z.int()),
});

/** Vectors, as OpenAI's clients know them. */
export function addEmbeddingRoutes(app: HttpApp, core: ServiceCore): void {
  app.post('/v1/embeddings', async (request, reply) => {
    const { input, model: name, encoding_format: format, dimensions } = parsed(schema, request.body);
    const served = modelNamed(core, name);
    if (dimensions !== undefined) throw new RequestError('dimensions cannot be chosen here', { param: 'dimensions' });
    if (!served.model.capabilities.embeddings)
      throw new RequestError(`${served.name} makes no embeddings`, { param: 'model', code: 'capability_missing' });
    const texts = typeof input === 'string' ? [input] : input;
    const gone = goneSignal(request.raw, reply.raw);
    const vectors = await lastOf(
      embedded(core, served, texts, askedBy(core, request)).pipe(takeUntil(aborted(gone)), takeUntil(stopped(core.exchanges.givenUp))),
    );
    const tokens = vectors.reduce((sum, { usage }) => sum + usage.inputTokens, 0);
    return {
      object: 'list',
      data: vectors.map(({ vector }, index) => ({
        object: 'embedding',
        index,
        embedding: format === 'base64' ? base64(vector) : [...vector],
      })),
      model: served.name,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  });
}

/** As OpenAI packs it: float32, least byte first, which is how this platform has it. */
const base64 = ({ buffer, byteOffset, byteLength }: Float32Array): string => Buffer.from(buffer, byteOffset, byteLength).toString('base64');

const charactersPerToken = 4;

/** Waits for its place; unsubscribing gives it up. */
function embedded(
  { options: { clock } }: ServiceCore,
  { model, admission }: ServedModel,
  texts: readonly string[],
  { caller, priority, deadlineMs, context }: Asking,
): Observable<readonly Embedding[]> {
  const tokens = Math.ceil(texts.reduce((sum, { length }) => sum + length, 0) / charactersPerToken);
  return new Observable<readonly Embedding[]>((out) => {
    const late = (): void => out.error(new RecordError('deadline_exceeded', 'its deadline passed before it had a place'));
    out.add(clock.schedule(Math.max(0, deadlineMs - clock.nowMs()), late));
    let hasBegun = false;
    const begin = (): void => {
      hasBegun = true;
      out.add(inScope({ ...scopeOf(clock), deadlineMs, context }, () => model.embed(texts).subscribe(out)));
    };
    try {
      const leave = admission.enter({ caller, priority, tokens }, begin);
      out.add(() => leave(hasBegun ? tokens : 0));
    } catch (error) {
      out.error(error);
    }
  });
}

const lastOf = (vectors: Observable<readonly Embedding[]>): Promise<readonly Embedding[]> => lastValueFrom(vectors, { defaultValue: [] });

/** What waits or runs when the service ends is told so. */
const stopped = (signal: AbortSignal): Observable<never> =>
  new Observable<never>((out) => {
    const end = (): void => out.error(new RequestError('the service is stopping: ask another one', { status: 503, code: 'stopping' }));
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
    return () => signal.removeEventListener('abort', end);
  });

const aborted = (signal: AbortSignal): Observable<never> =>
  new Observable<never>((out) => {
    signal.addEventListener('abort', () => out.error(signal.reason), { once: true });
  });
