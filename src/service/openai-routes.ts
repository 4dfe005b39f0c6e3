import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ChatOptions, ChatTurn } from '../inference/model.ts';
import { askedBy, callerOf, type FastifyReply, type FastifyRequest, goneSignal, type HttpApp, writeError } from './http-app.ts';
import { type AnswerFrame, chatAnswer, chatStream, completionAnswer, completionStream } from './openai/chat-answers.ts';
import { chatAsked, chatSchema } from './openai/chat-request.ts';
import { FailedAnswer, failureError, RequestError } from './openai/api-error.ts';
import { maybe } from './openai/maybe.ts';
import { parsed, samplingOf, samplingShape } from './openai/sampling.ts';
import type { GenerationEnd, GenerationEvent } from './generation.state.ts';
import type { GenerationSpec, Reading } from './generations.ts';
import { modelNamed, type ServedModel, type ServiceCore } from './service-core.ts';
import { readToEnd, type StreamFormat, streamAnswer } from './stream-answer.ts';
import { streamLimits } from './stream-limits.ts';

const completionSchema = z.object({
  ...samplingShape,
  prompt: z.union([z.string(), z.array(z.string()).length(1)]),
  echo: maybe(z.boolean()),
  suffix: maybe(z.string()),
});

const charactersPerToken = 4;

const lengthOf = (turns: readonly ChatTurn[]): number =>
  turns.reduce(
    (sum, { content, toolCalls = [] }) => sum + content.length + toolCalls.reduce((more, one) => more + one.arguments.length, 0),
    0,
  );

/** Chats, continued texts and the list of models, as OpenAI's clients know them. */
export function addOpenAiRoutes(app: HttpApp, core: ServiceCore): void {
  const { maxTokens: longest } = core.options;
  app.post('/v1/chat/completions', async (request, reply) => {
    const body = parsed(chatSchema, request.body);
    const served = modelNamed(core, body.model);
    const { turns, options, tool } = chatAsked(body, served.model, longest);
    const frame = frameOf(core, 'chatcmpl', served, body, body.logprobs === true, tool);
    const characters = lengthOf(turns) + (options.tools === undefined ? 0 : JSON.stringify(options.tools).length);
    const answer = (events: readonly GenerationEvent[], end: GenerationEnd): unknown => chatAnswer(events, end, frame);
    const call = (): ReturnType<ServedModel['model']['chat']> => served.model.chat(turns, options);
    return respond(core, request, reply, { served, characters, options, call }, body.stream === true ? chatStream(frame) : answer);
  });
  app.post('/v1/completions', async (request, reply) => {
    const body = parsed(completionSchema, request.body);
    const served = modelNamed(core, body.model);
    if (body.echo === true || (body.suffix ?? '') !== '')
      throw new RequestError('echo and suffix are not to be had here', { param: body.echo === true ? 'echo' : 'suffix' });
    const prompt = typeof body.prompt === 'string' ? body.prompt : body.prompt.join('');
    const wanted = Math.min(longest, body.max_tokens ?? 16); // what OpenAI's servers take
    const options = { ...samplingOf(body, served.model, 1), maxTokens: wanted };
    const frame = frameOf(core, 'cmpl', served, body, false, undefined);
    const answer = (events: readonly GenerationEvent[], end: GenerationEnd): unknown => completionAnswer(events, end, frame);
    const call = (): ReturnType<ServedModel['model']['complete']> => served.model.complete(prompt, options);
    const asked = { served, characters: prompt.length, options, call };
    return respond(core, request, reply, asked, body.stream === true ? completionStream(frame) : answer);
  });
  const list = () => ({ object: 'list', data: [...core.models.values()].map(modelEntry) });
  app.get('/v1/models', list);
  app.get<{ readonly Params: { readonly '*': string } }>('/v1/models/*', ({ params: { '*': name } }) =>
    name === '' ? list() : modelEntry(modelNamed(core, name)),
  );
}

const modelEntry = ({ name, created }: ServedModel) => ({ id: name, object: 'model', created, owned_by: 'millrace' });

interface Asked {
  readonly served: ServedModel;
  readonly characters: number;
  readonly options: ChatOptions;
  readonly call: GenerationSpec['call'];
}

/** Streamed by a format, or whole as `answer` makes it. */
type Form = StreamFormat | ((events: readonly GenerationEvent[], end: GenerationEnd) => unknown);

async function respond(
  core: ServiceCore,
  request: FastifyRequest,
  reply: FastifyReply,
  { served, characters, options, call }: Asked,
  form: Form,
): Promise<unknown> {
  const { generations } = core;
  const { maxTokens = 512 } = options;
  const promptTokens = Math.ceil(characters / charactersPerToken);
  const id = generations.start({
    ...askedBy(core, request),
    ...{ admission: served.admission, promptTokens, tokens: promptTokens + maxTokens, call, chunked: false, resumeMs: 0 },
  });
  const read = (onMore: () => void): Reading => reading(core, id, request, onMore);
  if (typeof form === 'function') {
    const events = await readToEnd(read, goneSignal(request.raw, reply.raw));
    const last = events.at(-1);
    if (last?.kind === 'end') return form(events, last);
    if (last?.kind === 'error') throw new FailedAnswer(failureError(last));
    throw new Error('an answer ended without an end');
  }
  reply.hijack();
  streamAnswer(reply.raw, read, form, streamLimits(core), {
    refuse: (error) => writeError(reply.raw, error),
    closed: (how) => {
      if (how === 'slow') core.slowReaders += 1;
    },
  });
  return reply;
}

function reading({ generations }: ServiceCore, id: string, request: FastifyRequest, onMore: () => void): Reading {
  const found = generations.read(id, callerOf(request), 0, onMore);
  if (found === undefined) throw new Error('a generation that has just begun is gone');
  return found;
}

function frameOf(
  { options: { clock } }: ServiceCore,
  kind: 'chatcmpl' | 'cmpl',
  { name }: ServedModel,
  body: { readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined },
  withLogProbabilities: boolean,
  tool: string | undefined,
): AnswerFrame {
  return {
    id: `${kind}-${randomBytes(12).toString('hex')}`,
    created: Math.floor(clock.nowMs() / 1_000),
    model: name,
    includeUsage: body.stream_options?.include_usage === true,
    withLogProbabilities,
    tool,
  };
}
