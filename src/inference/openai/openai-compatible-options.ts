import type { ContextField } from '../../record/record-context.ts';
import type { TokenPrices } from '../../record/token-prices.ts';
import type { ServerKind } from './server-profile.ts';

/** How to reach a model behind a server that speaks OpenAI's API. */
export interface OpenAiCompatibleOptions {
  /** Of the API, mostly ending in `/v1`: `https://api.openai.com/v1`, `http://localhost:8080/v1`. Credentials go into `apiKey`. */
  readonly baseUrl: string;
  /** As the server names it. */
  readonly model: string;
  /**
   * What stands behind the URL: decides which options it may be asked for (`capabilities`), whether it continues text and ranks, and the
   * form of a request. All answers are read in all forms. What each calls overloaded (`overloaded`: the call waits, and no attempt is counted):
   *
   * | server | overloaded | beside that |
   * |---|---|---|
   * | `openai` | 429, 503; `Retry-After`, `retry-after-ms` | 429 with `insufficient_quota`: `model_unauthorized` |
   * | `vllm` | 503; queues without a bound otherwise: limit it here | 400 with the context's length: `prompt_too_long` |
   * | `llama-server` | 503 while it loads; queues without a bound otherwise | 400 `exceed_context_size_error`: `prompt_too_long`; 501: `capability_missing`, as of one started without `--embeddings` |
   * | `sglang` | 503 "The request queue is full", also inside a stream that began with 200 | |
   * | `ollama` | 503 "server busy", from 512 waiting | cuts prompts longer than its `num_ctx` in silence: set that high enough |
   * | `tgi`, `tei` | 429 "Model is overloaded", also inside a stream | 424: `model_failed`; 422 with the number of tokens: `prompt_too_long` |
   * | `generic` | 429, 503, 529, and `rate_limit_error` or `overloaded_error` inside a stream | as above by what the body says |
   *
   * @defaultValue 'generic'
   */
  readonly server?: ServerKind;
  /**
   * Which of OpenAI's two APIs answers: `chat` for `/chat/completions`, `responses` for `/responses`, which some models are to be had by
   * alone. It knows no stop strings, no seed, and at OpenAI no `maxTokens` below 16; what is sent there is not stored (`store: false`).
   * Embeddings, ranks and continued text are asked for as before. @defaultValue 'chat', which all servers have
   */
  readonly api?: 'chat' | 'responses';
  /** Sent as a bearer token. Never read from the environment here, so that no key goes to a server it is not for. @defaultValue none is sent */
  readonly apiKey?: string;
  /** For messages and headers. @defaultValue the model */
  readonly name?: string;
  /** The model that `embed` asks, where it is another. @defaultValue the model */
  readonly embeddingModel?: string;
  /** Most tokens of prompt and answer together, if you know. @defaultValue unknown: the server refuses what does not fit */
  readonly contextTokens?: number;
  /** Whether the server constrains answers to a JSON Schema; otherwise the prompt carries the schema. @defaultValue as `server` does by `api`: llama-server does not by `responses` */
  readonly jsonSchema?: boolean;
  /** Whether the model chooses among tools that a chat gives it; not by the Responses API. @defaultValue as `server` does: all that chat */
  readonly tools?: boolean;
  /**
   * Whether answers can tell log-probabilities, and `classify` reads those of the first token; for servers that give them, and labels that
   * differ there. @defaultValue as `server` does, false for `generic`
   */
  readonly logProbabilities?: boolean;
  /** The name of the limit in the request; newer OpenAI models know only the longer one. @defaultValue 'max_tokens', for `server: 'openai'` the longer one */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** What tokens cost; answers then tell their cost. @defaultValue unknown */
  readonly prices?: TokenPrices;
  /**
   * Whether requests carry an `Idempotency-Key`, for gateways that answer the same request twice for one price: the same for the same
   * record, attempt and body, also after a restart; a request that is hedged is the same, too. Outside a pipeline there is none. @defaultValue false
   */
  readonly idempotency?: boolean;
  /**
   * What makes the requests: for a pool of connections or a proxy of your own, such as undici's `fetch` with an `Agent` as its
   * `dispatcher`. @defaultValue Node's, which keeps connections open for some seconds, as many as there are calls at once
   */
  readonly fetch?: typeof fetch;
  /** Longest response as received, in bytes, at least 1,024; a token takes about 250. @defaultValue 16 MiB */
  readonly maxAnswerBytes?: number;
  /**
   * What of a record's context goes to the server as HTTP headers: the deadline, request id, identity, tenant, priority and trace. Leave
   * out what is none of the server's business: `['requestId']`, or `[]` for nothing. @defaultValue all of it, who asked included
   */
  readonly contextFields?: readonly ContextField[];
  /** Further fields of each chat request, which go last; undefined takes one out. @defaultValue none */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}
