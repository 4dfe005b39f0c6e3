import type { TokenLogProbability } from '../../../src/inference/model.ts';

/** Servers whose ways {@link startModelServer} knows. */
export type ServedKind = 'openai' | 'vllm' | 'llama-server' | 'sglang' | 'ollama' | 'tgi' | 'tei' | 'generic';

type Body = Readonly<Record<string, unknown>>;

/** How a server speaks. */
export interface Dialect {
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  readonly chats: boolean;
  /** By the Responses API: whether it has it, heeds schemas, tells that it has cut an answer, and takes an assistant's turn as text. */
  readonly responses:
    | { readonly schemas: boolean; readonly tellsCut: boolean; readonly takesOwnText: boolean; readonly tellsTokens: boolean }
    | undefined;
  readonly knowsTopK: boolean;
  readonly knowsSeed: boolean;
  readonly embeds: boolean;
  readonly completes: boolean;
  /** Beside the API's base URL. */
  readonly tokenizes: boolean;
  readonly sortsEmbeddings: boolean;
  /** Usage in the chunk with the finish reason, not in one of its own. */
  readonly usageAtEnd: boolean;
  readonly ranks:
    | {
        readonly field: string;
        readonly form: (ranks: readonly { readonly index: number; readonly score: number }[], tokens: number) => unknown;
      }
    | undefined;
  /** Tokens that it had from before, as it tells them. */
  readonly cached: (tokens: number) => object;
  readonly tooLong: (tokens: number, most: number) => unknown;
  readonly schemaIn: (body: Body) => unknown;
  /** How many alternatives a request asks for; undefined for no log-probabilities. */
  readonly alternativesIn: (body: Body, form: 'chat' | 'text') => number | undefined;
  readonly logprobs: (token: TokenLogProbability, form: 'chat' | 'text') => unknown;
}

const isRecord = (value: unknown): value is Body => typeof value === 'object' && value !== null;
const within = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((one, name) => (isRecord(one) ? one[name] : undefined), value);

const asChat = ({ token, logProbability, top }: TokenLogProbability): unknown => ({
  content: [
    { token, logprob: logProbability, bytes: null, top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logProbability })) },
  ],
});
const asLists = ({ token, logProbability, top }: TokenLogProbability): unknown => ({
  tokens: [token],
  token_logprobs: [logProbability],
  top_logprobs: [Object.fromEntries(top.map((one) => [one.token, one.logProbability]))],
  text_offset: [0],
});

const openai: Dialect = {
  maxTokensField: 'max_completion_tokens',
  chats: true,
  responses: { schemas: true, tellsCut: true, takesOwnText: true, tellsTokens: true },
  knowsTopK: false,
  knowsSeed: true,
  embeds: true,
  completes: false,
  tokenizes: false,
  sortsEmbeddings: true,
  usageAtEnd: false,
  ranks: undefined,
  cached: (tokens) => ({ prompt_tokens_details: { cached_tokens: tokens, audio_tokens: 0 } }),
  tooLong: (tokens, most) => ({
    error: {
      message: `This model's maximum context length is ${String(most)} tokens. However, your messages resulted in ${String(tokens)} tokens.`,
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    },
  }),
  schemaIn: (body) => within(body, 'response_format', 'json_schema', 'schema'),
  alternativesIn: (body) => (body['logprobs'] === true ? Number(body['top_logprobs'] ?? 0) : undefined),
  logprobs: asChat,
};

const ofText = (body: Body): number | undefined => (typeof body['logprobs'] === 'number' ? body['logprobs'] : undefined);

const jina: Dialect['ranks'] = {
  field: 'documents',
  form: (ranks, tokens) => ({
    model: 'served',
    results: ranks.map(({ index, score }) => ({ index, relevance_score: score })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }),
};

/** As far as a client sees it; each has at least one way of its own in which a request or an answer differs. */
export const dialects: Readonly<Record<ServedKind, Dialect>> = {
  openai,
  generic: { ...openai, maxTokensField: 'max_tokens', sortsEmbeddings: false, cached: () => ({}) },
  vllm: {
    ...openai,
    tokenizes: true,
    maxTokensField: 'max_tokens',
    knowsTopK: true,
    completes: true,
    ranks: jina,
    tooLong: (tokens, most) => ({
      object: 'error',
      message: `This model's maximum context length is ${String(most)} tokens. However, you requested ${String(tokens)} tokens in the messages, Please reduce the length of the messages.`,
      type: 'BadRequestError',
      param: null,
      code: 400,
    }),
    alternativesIn: (body, form) => (form === 'text' ? ofText(body) : openai.alternativesIn(body, form)),
    logprobs: (token, form) => (form === 'text' ? asLists(token) : asChat(token)),
  },
  'llama-server': {
    ...openai,
    responses: { schemas: false, tellsCut: false, takesOwnText: false, tellsTokens: false },
    maxTokensField: 'max_tokens',
    knowsTopK: true,
    completes: true,
    ranks: jina,
    tooLong: (tokens, most) => ({
      error: {
        code: 400,
        message: `the request exceeds the available context size, try increasing it`,
        type: 'exceed_context_size_error',
        n_prompt_tokens: tokens,
        n_ctx: most,
      },
    }),
    alternativesIn: (body, form) => (form === 'text' ? ofText(body) : openai.alternativesIn(body, form)),
  },
  sglang: {
    ...openai,
    maxTokensField: 'max_tokens',
    knowsTopK: true,
    knowsSeed: false,
    completes: true,
    ranks: { field: 'documents', form: (ranks) => ranks.map(({ index, score }) => ({ index, score, document: '' })) },
    tooLong: (tokens, most) => ({
      object: 'error',
      message: `The input (${String(tokens)} tokens) is longer than the model's context length (${String(most)} tokens).`,
      type: 'BadRequestError',
      param: null,
      code: 400,
    }),
    alternativesIn: (body, form) => (form === 'text' ? ofText(body) : openai.alternativesIn(body, form)),
    logprobs: (token, form) => (form === 'text' ? asLists(token) : asChat(token)),
  },
  ollama: {
    ...openai,
    responses: { schemas: true, tellsCut: false, takesOwnText: true, tellsTokens: false },
    maxTokensField: 'max_tokens',
    completes: true,
    usageAtEnd: true,
    cached: () => ({}),
  },
  tei: {
    ...openai,
    chats: false,
    responses: undefined,
    ranks: { field: 'texts', form: (ranks) => ranks },
  },
  tgi: {
    ...openai,
    responses: undefined,
    maxTokensField: 'max_tokens',
    embeds: false,
    completes: true,
    usageAtEnd: true,
    cached: () => ({}),
    schemaIn: (body) => within(body, 'response_format', 'value'),
    tooLong: (tokens, most) => ({
      error: `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= ${String(most)}. Given: ${String(tokens)} \`inputs\` tokens`,
      error_type: 'validation',
    }),
    alternativesIn: (body, form) => {
      const asked = form === 'text' ? ofText(body) : openai.alternativesIn(body, form);
      return asked === undefined ? undefined : Math.min(asked, 5);
    },
  },
};
