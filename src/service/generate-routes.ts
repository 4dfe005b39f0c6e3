import { z } from 'zod';
import type { ChatOptions, Prompt } from '../inference/model.ts';
import { type Asking } from './asking.ts';
import { eventText } from './event-stream.ts';
import type { GenerationChunk, GenerationEnd, GenerationEvent, GenerationFailure } from './generation.state.ts';
import type { Reading } from './generations.ts';
import { askedBy, callerOf, type FastifyReply, type FastifyRequest, type HttpApp } from './http-app.ts';
import { RequestError } from './openai/api-error.ts';
import { usageOf } from './openai/chat-answers.ts';
import { maybe } from './openai/maybe.ts';
import { messagesSchema, turnsOf } from './openai/messages.ts';
import { parsed, samplingOf, samplingShape } from './openai/sampling.ts';
import { modelNamed, type ServiceCore } from './service-core.ts';
import { type StreamFormat, streamAnswer } from './stream-answer.ts';
import { streamLimits } from './stream-limits.ts';

const generateSchema = z.object({
  ...samplingShape,
  prompt: maybe(z.string()),
  messages: maybe(messagesSchema),
  user_id: maybe(z.union([z.string().max(256), z.number()])),
  json_schema: maybe(z.record(z.string(), z.unknown())),
});

/** What is asked for in code, or by `/v1/generate`. */
export interface GenerationRequest {
  readonly prompt: Prompt;
  /** @defaultValue the first */
  readonly model?: string;
  readonly options?: ChatOptions;
}

const mostIdLength = 64;
const charactersPerToken = 4;

/** @throws RequestError for a model that is not served, OverloadError when there is no room for it. */
export function startGeneration(core: ServiceCore, { prompt, model: name, options = {} }: GenerationRequest, asking: Asking): string {
  const { model, admission } = modelNamed(core, name);
  const { maxTokens: longest, resumeMs } = core.options;
  const asked = { ...options, maxTokens: Math.min(options.maxTokens ?? 512, longest) };
  const characters = typeof prompt === 'string' ? prompt.length : JSON.stringify(prompt).length;
  return core.generations.start({
    ...{ ...asking, admission, chunked: true, resumeMs: Math.max(1, resumeMs) },
    promptTokens: Math.ceil(characters / charactersPerToken),
    tokens: Math.ceil(characters / charactersPerToken) + asked.maxTokens,
    call: () => model.chat(prompt, asked),
  });
}

/** The plain stream: numbered chunks that can be read again, by an id. */
export function addGenerateRoutes(app: HttpApp, core: ServiceCore): void {
  app.post('/v1/generate', (request, reply) => {
    const body = parsed(generateSchema, request.body);
    const prompt = promptOf(body);
    const served = modelNamed(core, body.model);
    const { max_tokens: maxTokens, json_schema: jsonSchema } = body;
    const options: ChatOptions = {
      ...samplingOf(body, served.model, 0),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
    };
    const id = startGeneration(core, { prompt, model: served.name, options }, askedBy(core, request));
    stream(core, request, reply, id, 0);
    return reply;
  });
  app.get<{ readonly Params: { readonly id: string } }>('/v1/generate/:id', { exposeHeadRoute: false }, (request, reply) => {
    const { id } = request.params;
    stream(core, request, reply, id, lastEventOf(request, id));
    return reply;
  });
  app.delete<{ readonly Params: { readonly id: string } }>('/v1/generate/:id', (request, reply) => {
    if (!core.generations.cancel(request.params.id, callerOf(request))) throw unknown();
    return reply.status(204).send();
  });
}

const unknown = (): RequestError =>
  new RequestError('there is no such stream any more: it has ended some time ago, or is not yours', {
    status: 404,
    code: 'unknown_generation',
  });

function promptOf({ prompt, messages }: z.output<typeof generateSchema>): Prompt {
  if (prompt !== undefined && messages !== undefined) throw new RequestError('give prompt or messages, not both', { param: 'messages' });
  if (messages !== undefined) return turnsOf(messages);
  if (prompt === undefined) throw new RequestError('the body must have prompt, a text, or messages, a list of turns', { param: 'prompt' });
  return prompt;
}

/** The number of the last event that the reader has: 0 for none. */
function lastEventOf({ headers, query }: FastifyRequest, id: string): number {
  const { 'last-event-id': header } = headers;
  const given = header ?? (query as Readonly<Record<string, unknown>>)['last_event_id'] ?? '';
  if (given === '') return 0;
  const [, of, number] = (typeof given === 'string' && /^(?:([\w-]+):)?(\d{1,15})$/.exec(given)) || [];
  if (number !== undefined && (of === undefined || of === id) && id.length <= mostIdLength) return Number(number);
  throw new RequestError('Last-Event-ID must be the id of an event of this stream', { param: 'Last-Event-ID' });
}

function stream(core: ServiceCore, request: FastifyRequest, reply: FastifyReply, id: string, after: number): void {
  let more = (): void => undefined;
  const found: Reading | undefined = core.generations.read(id, callerOf(request), after, () => more());
  if (found === undefined) throw unknown();
  reply.hijack();
  const read = (onMore: () => void): Reading => {
    more = onMore;
    return found;
  };
  streamAnswer(reply.raw, read, plainStream(id), streamLimits(core), {
    refuse: () => undefined,
    closed: (how) => {
      if (how === 'slow') core.slowReaders += 1;
    },
  });
}

/** An event as it is told to readers. */
function plainEvent(event: GenerationEvent): Readonly<Record<string, unknown>> {
  const { attempt, number } = event;
  if (event.kind === 'chunk') {
    const { text, tokenCount, totalTokenCount, tokenRate } = event;
    const rate = Number(tokenRate.toFixed(2));
    return { text, token_count: tokenCount, total_token_count: totalTokenCount, token_rate: rate, attempt, number };
  }
  if (event.kind === 'end') return { finish_reason: event.finishReason, usage: usageOf(event.usage), model: event.model, attempt, number };
  return { error: failed(event), attempt, number };
}

const failed = ({ code, message, retryAfterMs }: GenerationFailure) => ({
  ...{ code, message },
  ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
});

function plainStream(id: string): StreamFormat {
  const tell = (event: GenerationChunk | GenerationEnd | GenerationFailure): string =>
    eventText(plainEvent(event), `${id}:${String(event.number)}`, event.kind === 'error' ? 'error' : undefined);
  return {
    headers: { 'x-generation-id': id },
    opening: `: ${id}\nretry: 1000\n\n`,
    chunk: tell,
    end: tell,
    failure: tell,
    refusal: undefined,
    lost: eventText({ error: { code: 'lost', message: 'a part of this answer is not kept any more: ask again' } }, undefined, 'error'),
    replaces: true,
  };
}
