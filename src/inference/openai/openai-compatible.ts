import type OpenAI from 'openai';
import { Observable, of } from 'rxjs';
import { currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import { InferenceError, OptionError, requireInteger, requireText } from '../../errors.ts';
import { type OpenContext, type Resource, sharedResource } from '../../resource.ts';
import { completeModel } from '../complete-model.ts';
import { withInstruction } from '../internal/prompt.ts';
import type { ChatTurn, Embedding, Model, ModelBackend, Usage } from '../model.ts';
import { boundedFetch } from './bounded-fetch.ts';
import { chatRequest } from './chat-request.ts';
import { estimatePromptTokens, estimateTokens } from './estimate-tokens.ts';
import { labelLogProbabilitiesOf } from './label-tokens.ts';
import { openAiError } from './openai-error.ts';
import { readChat, usageFrom } from './read-chat.ts';

export interface OpenAiCompatibleOptions {
  /** Of the API, mostly ending in `/v1`: `https://api.openai.com/v1`, `http://localhost:8080/v1`. Credentials go into `apiKey`. */
  readonly baseUrl: string;
  /** As the server names it. */
  readonly model: string;
  /** Sent as a bearer token. Never read from the environment here, so that no key goes to a server it is not for. @defaultValue none is sent */
  readonly apiKey?: string;
  /** For messages and headers. @defaultValue the model */
  readonly name?: string;
  /** The model that `embed` asks, where it is another. @defaultValue the model */
  readonly embeddingModel?: string;
  /** Most tokens of prompt and answer together, if you know. @defaultValue unknown: the server refuses what does not fit */
  readonly contextTokens?: number;
  /** Whether the server constrains answers to `response_format: json_schema`; otherwise the prompt carries the schema. @defaultValue true */
  readonly jsonSchema?: boolean;
  /** Whether `classify` reads `top_logprobs` of the first token; for servers that give them, and labels that differ there. @defaultValue false */
  readonly logProbabilities?: boolean;
  /** The name of the limit in the request; newer OpenAI models know only the longer one. @defaultValue 'max_tokens' */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** Longest response as received, in bytes, at least 1,024; a token takes about 250. @defaultValue 16 MiB */
  readonly maxAnswerBytes?: number;
  /** Further fields of each chat request, which go last; undefined takes one out. @defaultValue none */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

/** 60,000 tokens with their wrapping: more than any record should get, and what a server gone wild may cost in memory. */
const defaultMaxAnswerBytes = 16 * 1024 * 1024;

/** The client's own time limit, off as far as it can be: `callTimeout` and the record's deadline decide. */
const noTimeoutMs = 2 ** 31 - 1;

/** As many as OpenAI gives; others cut it. */
const topLogProbabilities = 20;

/**
 * A model behind any server that speaks OpenAI's HTTP API: OpenAI, vLLM, llama-server, Ollama, gateways. Built on the
 * official client, whose retries and time limit are off: there is one retry loop, the pipeline's. Opening asks the server
 * nothing, so it may start later.
 *
 * Token counts are estimates before a call; usage is the server's, or estimated, and then a warning says so once.
 * Holds one HTTP response per running call, read as fast as it comes, of `maxAnswerBytes` at most; an answer without a byte for 5 min is given up by
 * Node's fetch. Unsubscribing closes the connection. Fails with `model_unauthorized`, `model_not_found`, `model_rejected`,
 * `prompt_too_long`, `model_failed`, `model_unavailable`, and OverloadError (429, 503, 529) with what Retry-After says.
 * @throws OptionError at the call for options out of range.
 */
export function openAiCompatible(options: OpenAiCompatibleOptions): Resource<Model> {
  const shownUrl = checked(options);
  const name = options.name ?? options.model;
  return sharedResource(name, async (context) => {
    const { default: Client } = await import('openai');
    const closing = new AbortController();
    const client = new Client({
      baseURL: options.baseUrl,
      apiKey: options.apiKey ?? 'none',
      adminAPIKey: null,
      organization: null,
      project: null,
      maxRetries: 0,
      timeout: noTimeoutMs,
      logLevel: 'off', // at its debug level it prints prompts
      fetch: boundedFetch(options.maxAnswerBytes ?? defaultMaxAnswerBytes),
      ...(options.apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    });
    const value = completeModel(backendOf(client, name, shownUrl, options, context, closing.signal));
    const close = (): Promise<void> => {
      closing.abort();
      return Promise.resolve();
    };
    return { value, close };
  });
}

/** @returns the base URL as it may be shown. */
function checked({ baseUrl, model, apiKey, name, embeddingModel, contextTokens, maxAnswerBytes }: OpenAiCompatibleOptions): string {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OptionError('baseUrl must be an http or https URL, such as http://localhost:8080/v1');
  if (url.username !== '' || url.password !== '') throw new OptionError('baseUrl must not hold a user or password: pass the key as apiKey');
  requireText('model', model);
  if (name !== undefined) requireText('name', name);
  if (embeddingModel !== undefined) requireText('embeddingModel', embeddingModel);
  // said without the value: a key with a line break from a file is the common case
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new OptionError('apiKey must be visible ASCII characters without white space (is there a line break at its end?)');
  if (contextTokens !== undefined) requireInteger('contextTokens', contextTokens, 1);
  if (maxAnswerBytes !== undefined) requireInteger('maxAnswerBytes', maxAnswerBytes, 1024);
  return `${url.origin}${url.pathname}`;
}

function backendOf(
  client: OpenAI,
  name: string,
  shownUrl: string,
  options: OpenAiCompatibleOptions,
  { log }: OpenContext,
  closing: AbortSignal,
): ModelBackend {
  const { model, apiKey, embeddingModel = model, logProbabilities = false, maxTokensField = 'max_tokens', extraBody = {} } = options;
  const settings = { model, maxTokensField, extraBody };
  let warned = false;
  const estimated = (turns: readonly ChatTurn[], outputTokens: number): Usage => {
    if (!warned) log('warn', `model ${name}: the server sends no usage, tokens are counted by estimate`, { baseUrl: shownUrl });
    warned = true;
    const inputTokens = estimatePromptTokens(turns);
    return { inputTokens, cachedTokens: 0, outputTokens, totalTokens: inputTokens + outputTokens };
  };
  const request = <T>(work: (signal: AbortSignal) => AsyncIterable<T>): Observable<T> =>
    new Observable<T>((out) => {
      const { clock } = currentScope();
      const own = new AbortController();
      const signal = AbortSignal.any([own.signal, closing]);
      out.add(() => {
        own.abort();
      });
      const run = async (): Promise<void> => {
        try {
          for await (const value of work(signal)) {
            if (out.closed) return;
            out.next(value);
          }
          // the client ends an aborted stream as if it had been whole
          signal.throwIfAborted();
          out.complete();
        } catch (error) {
          out.error(signal.aborted ? abortReason(signal) : openAiError(error, { shownUrl, model, apiKey, nowMs: clock.nowMs() }));
        }
      };
      void run();
    });
  return {
    name,
    capabilities: {
      contextTokens: options.contextTokens,
      jsonSchema: options.jsonSchema ?? true,
      logProbabilities,
      embeddings: true,
      exactTokens: false,
    },
    chat: (turns, chat) =>
      request(async function* (signal) {
        const body = { ...chatRequest(turns, chat, settings), stream: true as const, stream_options: { include_usage: true } };
        const stream = await client.chat.completions.create(body, { signal });
        // servers without usage send about one token a piece, some several
        yield* readChat(stream, (pieces, chars) => estimated(turns, Math.max(pieces, Math.ceil(chars / 4))));
      }),
    embed: (texts) =>
      request(async function* (signal) {
        const reply = await client.embeddings.create({ model: embeddingModel, input: [...texts], encoding_format: 'float' }, { signal });
        yield embeddingsFrom(reply, texts, embeddingModel);
      }),
    labelLogProbabilities: (turns, labels) =>
      request(async function* (signal) {
        const asked = withInstruction(turns, `Answer with one of these words and nothing else: ${labels.join(', ')}`);
        const body = {
          ...chatRequest(asked, { maxTokens: 1, temperature: 0 }, settings),
          stream: false as const,
          logprobs: true,
          top_logprobs: topLogProbabilities,
        };
        const reply = await client.chat.completions.create(body, { signal });
        const first = reply.choices[0]?.logprobs?.content?.[0]?.top_logprobs;
        if (first === undefined)
          throw new InferenceError('capability_missing', `expected top_logprobs from ${shownUrl}, got none; set logProbabilities: false`);
        const found = labelLogProbabilitiesOf(first, labels);
        if (found === undefined)
          throw new InferenceError(
            'answer_invalid',
            `expected an answer that begins with one of the labels, got none among its ${String(first.length)} likeliest tokens`,
          );
        yield { logProbabilities: found, usage: usageFrom(reply.usage) ?? estimated(asked, 1) };
      }),
    countTokens: (turns) => of(estimatePromptTokens(turns)),
  };
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
