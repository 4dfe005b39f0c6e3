import type OpenAI from 'openai';
import { defer, Observable, of, throwError } from 'rxjs';
import { type CallContext, currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import { InferenceError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import { estimatePromptTokens, estimateTokens } from '../internal/estimate-tokens.ts';
import { withInstruction } from '../internal/prompt.ts';
import type { ChatTurn, ModelBackend, ModelCapabilities, Usage } from '../model.ts';
import { chatRequest, completionRequest, type RequestSettings } from './chat-request.ts';
import { contextHttpHeaders } from './context-http-headers.ts';
import { idempotencyKey } from './idempotency-key.ts';
import { labelLogProbabilitiesOf } from './label-tokens.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { openAiError } from './openai-error.ts';
import { asChat, readChat, usageFrom } from './read-chat.ts';
import { readEmbeddings } from './read-embeddings.ts';
import { readRanking } from './read-ranking.ts';
import { type ServerProfile, serverProfiles } from './server-profile.ts';

/** What a back end works with. */
export interface OpenAiConnection {
  readonly client: OpenAI;
  readonly name: string;
  readonly shownUrl: string;
  readonly options: OpenAiCompatibleOptions;
  readonly log: OpenContext['log'];
  /** Aborted when the resource is closed. */
  readonly closing: AbortSignal;
}

/** The calls of one model, over a client. Each is one request, which unsubscribing aborts. */
export function openAiBackend(connection: OpenAiConnection): ModelBackend {
  const { name, options } = connection;
  const profile = serverProfiles[options.server ?? 'generic'];
  const { model, maxTokensField = profile.maxTokensField, extraBody = {} } = options;
  const settings = { model, maxTokensField, extraBody, profile };
  const calls: Calls = { ...connection, request: requester(connection), estimated: estimator(connection), settings };
  return {
    name,
    capabilities: capabilitiesOf(options, profile),
    ...(options.prices && { prices: options.prices }),
    ...answers(calls),
    ...(profile.completion && continuation(calls)),
    ...(profile.reranking && ranking(calls, profile.reranking)),
    embed: (texts, ctx) => {
      const { embeddingModel = model } = options;
      const body = { model: embeddingModel, input: [...texts], encoding_format: 'float' as const };
      return calls.request(ctx, body, async function* (asked) {
        yield readEmbeddings(await connection.client.embeddings.create(body, asked), texts, embeddingModel);
      });
    },
    countTokens: (turns) => of(estimatePromptTokens(turns)),
  };
}

function capabilitiesOf(options: OpenAiCompatibleOptions, profile: ServerProfile): ModelCapabilities {
  const logProbabilities = options.logProbabilities ?? profile.alternatives > 0;
  const others = profile.sampling.filter((one) => one !== 'logProbabilities');
  return {
    contextTokens: options.contextTokens,
    jsonSchema: options.jsonSchema ?? profile.jsonSchema,
    logProbabilities,
    embeddings: profile.embeddings,
    completion: profile.completion !== undefined,
    reranking: profile.reranking !== undefined,
    tensors: false,
    sampling: logProbabilities ? [...others, 'logProbabilities'] : others,
    exactTokens: false,
  };
}

/** What the calls of one model share. */
interface Calls extends OpenAiConnection {
  readonly request: Request;
  readonly estimated: (turns: readonly ChatTurn[], outputTokens: number) => Usage;
  readonly settings: RequestSettings;
}

const streamed = { stream: true as const, stream_options: { include_usage: true } };

/** Servers without usage send about one token a piece, some several. */
const outputOf = (pieces: number, chars: number): number => Math.max(pieces, Math.ceil(chars / 4));

function answers({ client, request, estimated, settings, shownUrl }: Calls): Pick<ModelBackend, 'chat' | 'labelLogProbabilities'> {
  return {
    chat: (turns, chat, ctx) => {
      if (!settings.profile.chat) return throwError(() => noChat(shownUrl));
      const body = { ...chatRequest(turns, chat, settings), ...streamed };
      return request(ctx, body, async function* (asked) {
        const stream = await client.chat.completions.create(body, asked);
        const estimate = (pieces: number, chars: number): Usage => estimated(turns, outputOf(pieces, chars));
        yield* readChat(stream, { estimate, logProbabilities: chat.logProbabilities });
      });
    },
    labelLogProbabilities: (turns, labels, ctx) => {
      const instructed = withInstruction(turns, `Answer with one of these words and nothing else: ${labels.join(', ')}`);
      const body = {
        ...chatRequest(instructed, { maxTokens: 1, temperature: 0 }, settings),
        stream: false as const,
        logprobs: true,
        top_logprobs: settings.profile.alternatives || mostAlternatives,
      };
      return request(ctx, body, async function* (asked) {
        const reply = await client.chat.completions.create(body, asked);
        yield { logProbabilities: labelsFrom(reply, labels, shownUrl), usage: usageFrom(reply.usage) ?? estimated(instructed, 1) };
      });
    },
  };
}

/** As many as OpenAI gives; others cut it. */
const mostAlternatives = 20;

const noChat = (shownUrl: string): InferenceError =>
  new InferenceError('capability_missing', `the server at ${shownUrl} embeds and ranks (server: 'tei'), it does not chat`);

const continuation = ({ client, request, estimated, settings }: Calls): Pick<ModelBackend, 'complete'> => ({
  complete: (text, options, ctx) =>
    defer(() => {
      const body = { ...completionRequest(text, options, settings), ...streamed };
      return request(ctx, body, async function* (asked) {
        const stream = await client.completions.create(body, asked);
        const turns = [{ role: 'user', content: text }] as const;
        const estimate = (pieces: number, chars: number): Usage => estimated(turns, outputOf(pieces, chars));
        yield* readChat(asChat(stream), { estimate, logProbabilities: options.logProbabilities });
      });
    }),
});

const ranking = (
  { client, request, options, settings }: Calls,
  { path, documentsField }: NonNullable<ServerProfile['reranking']>,
): Pick<ModelBackend, 'rerank'> => ({
  rerank: (query, documents, ctx) => {
    const url = new URL(path, `${options.baseUrl.replace(/\/+$/, '')}/`).href;
    const body = { model: settings.model, query, [documentsField]: [...documents] };
    return request(ctx, body, async function* (asked) {
      const { scores, usage } = readRanking(await client.post(url, { body, ...asked }), documents.length);
      const inputTokens = documents.reduce((sum, one) => sum + estimateTokens(query) + estimateTokens(one), 0);
      yield { scores, usage: usage ?? { inputTokens, cachedTokens: 0, outputTokens: 0, totalTokens: inputTokens } };
    });
  },
});

/** What goes with each request beside its body. */
interface Asked {
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
}

type Request = <T>(ctx: CallContext | undefined, body: unknown, work: (asked: Asked) => AsyncIterable<T>) => Observable<T>;

const requester =
  ({ options: { model, apiKey, contextFields, idempotency = false }, shownUrl, closing }: OpenAiConnection): Request =>
  <T>(ctx: CallContext | undefined, body: unknown, work: (asked: Asked) => AsyncIterable<T>) =>
    new Observable<T>((out) => {
      const { clock, context, position, attempt } = currentScope();
      const key = idempotency ? idempotencyKey(ctx ?? { position, attempt }, body) : undefined;
      const headers = {
        ...contextHttpHeaders(ctx?.context ?? context, contextFields),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      };
      const own = new AbortController();
      const signal = AbortSignal.any([own.signal, closing]);
      out.add(() => {
        own.abort();
      });
      const run = async (): Promise<void> => {
        try {
          for await (const value of work({ signal, headers })) {
            if (out.closed) return;
            out.next(value);
          }
          out.complete();
        } catch (error) {
          // the client ends an aborted stream as if the server had: what looks like a cut is our own doing
          out.error(signal.aborted ? abortReason(signal) : openAiError(error, { shownUrl, model, apiKey, nowMs: clock.nowMs() }));
        }
      };
      void run();
    });

/** Counts where the server does not, and says so once. */
function estimator({ name, shownUrl, log }: OpenAiConnection): (turns: readonly ChatTurn[], outputTokens: number) => Usage {
  let warned = false;
  return (turns, outputTokens) => {
    if (!warned) log('warn', `model ${name}: the server sends no usage, tokens are counted by estimate`, { baseUrl: shownUrl });
    warned = true;
    const inputTokens = estimatePromptTokens(turns);
    return { inputTokens, cachedTokens: 0, outputTokens, totalTokens: inputTokens + outputTokens };
  };
}

function labelsFrom(reply: OpenAI.ChatCompletion, labels: readonly string[], shownUrl: string): readonly number[] {
  const first = reply.choices[0]?.logprobs?.content?.[0]?.top_logprobs;
  if (first === undefined)
    throw new InferenceError('capability_missing', `expected top_logprobs from ${shownUrl}, got none; set logProbabilities: false`);
  const found = labelLogProbabilitiesOf(first, labels);
  if (found !== undefined) return found;
  throw new InferenceError(
    'answer_invalid',
    `expected an answer that begins with one of the labels, got none among its ${String(first.length)} likeliest tokens`,
  );
}
