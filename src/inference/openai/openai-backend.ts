import type OpenAI from 'openai';
import { Observable, of } from 'rxjs';
import { type CallContext, currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import { InferenceError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import { estimatePromptTokens, estimateTokens } from '../internal/estimate-tokens.ts';
import { withInstruction } from '../internal/prompt.ts';
import type { ChatTurn, Embedding, ModelBackend, Usage } from '../model.ts';
import { chatRequest } from './chat-request.ts';
import { contextHttpHeaders } from './context-http-headers.ts';
import { labelLogProbabilitiesOf } from './label-tokens.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { openAiError } from './openai-error.ts';
import { readChat, usageFrom } from './read-chat.ts';

/** As many as OpenAI gives; others cut it. */
const topLogProbabilities = 20;

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
  const { client, name, shownUrl, options } = connection;
  const { model, embeddingModel = model, logProbabilities = false, maxTokensField = 'max_tokens', extraBody = {} } = options;
  const settings = { model, maxTokensField, extraBody };
  const request = requester(connection);
  const estimated = estimator(connection);
  return {
    name,
    capabilities: {
      contextTokens: options.contextTokens,
      jsonSchema: options.jsonSchema ?? true,
      logProbabilities,
      embeddings: true,
      completion: false,
      reranking: false,
      tensors: false,
      sampling: ['topP', 'seed'],
      exactTokens: false,
    },
    chat: (turns, chat, ctx) =>
      request(ctx, async function* (asked) {
        const body = { ...chatRequest(turns, chat, settings), stream: true as const, stream_options: { include_usage: true } };
        const stream = await client.chat.completions.create(body, asked);
        // servers without usage send about one token a piece, some several
        yield* readChat(stream, (pieces, chars) => estimated(turns, Math.max(pieces, Math.ceil(chars / 4))));
      }),
    embed: (texts, ctx) =>
      request(ctx, async function* (asked) {
        const reply = await client.embeddings.create({ model: embeddingModel, input: [...texts], encoding_format: 'float' }, asked);
        yield embeddingsFrom(reply, texts, embeddingModel);
      }),
    labelLogProbabilities: (turns, labels, ctx) =>
      request(ctx, async function* (asked) {
        const instructed = withInstruction(turns, `Answer with one of these words and nothing else: ${labels.join(', ')}`);
        const body = {
          ...chatRequest(instructed, { maxTokens: 1, temperature: 0 }, settings),
          stream: false as const,
          logprobs: true,
          top_logprobs: topLogProbabilities,
        };
        const reply = await client.chat.completions.create(body, asked);
        yield { logProbabilities: labelsFrom(reply, labels, shownUrl), usage: usageFrom(reply.usage) ?? estimated(instructed, 1) };
      }),
    countTokens: (turns) => of(estimatePromptTokens(turns)),
  };
}

/** What goes with each request beside its body. */
interface Asked {
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
}

type Request = <T>(ctx: CallContext | undefined, work: (asked: Asked) => AsyncIterable<T>) => Observable<T>;

const requester =
  ({ options: { model, apiKey, contextFields }, shownUrl, closing }: OpenAiConnection): Request =>
  <T>(ctx: CallContext | undefined, work: (asked: Asked) => AsyncIterable<T>) =>
    new Observable<T>((out) => {
      const { clock, context } = currentScope();
      const headers = contextHttpHeaders(ctx?.context ?? context, contextFields);
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

/** In the order of the texts; the usage of all is shared out among them, so that it adds up. */
function embeddingsFrom(reply: OpenAI.CreateEmbeddingResponse, texts: readonly string[], model: string): readonly Embedding[] {
  const given = (reply as Partial<OpenAI.CreateEmbeddingResponse>).usage;
  const total = typeof given?.prompt_tokens === 'number' ? given.prompt_tokens : texts.reduce((sum, text) => sum + estimateTokens(text), 0);
  const data = (reply as Partial<OpenAI.CreateEmbeddingResponse>).data ?? [];
  return data
    .toSorted((a, b) => a.index - b.index)
    .map(({ embedding }, n) => {
      const tokens = Math.floor(total / data.length) + (n < total % data.length ? 1 : 0);
      return {
        vector: Float32Array.from(embedding),
        usage: { inputTokens: tokens, cachedTokens: 0, outputTokens: 0, totalTokens: tokens },
        model: reply.model || model,
      };
    });
}
