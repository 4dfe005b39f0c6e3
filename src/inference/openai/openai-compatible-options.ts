import type { ContextField } from '../../record/record-context.ts';

/** How to reach a model behind a server that speaks OpenAI's API. */
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
  /**
   * What of a record's context goes to the server as HTTP headers: the deadline, request id, identity, tenant, priority and trace. Leave
   * out what is none of the server's business. @defaultValue all of it
   */
  readonly contextFields?: readonly ContextField[];
  /** Further fields of each chat request, which go last; undefined takes one out. @defaultValue none */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}
