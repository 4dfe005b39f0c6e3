import type { SamplingOption } from '../model.ts';

/** Programs and services that speak OpenAI's API, each with what it adds and leaves out; `generic`: nothing is known. */
export type ServerKind = 'openai' | 'vllm' | 'llama-server' | 'sglang' | 'ollama' | 'tgi' | 'tei' | 'generic';

/** What it can by the Responses API. */
interface ResponsesProfile {
  readonly alternatives: number;
  readonly sampling: readonly SamplingOption[];
  readonly jsonSchema: boolean;
  /** Whether it says of an answer that `maxTokens` cut it off. */
  readonly tellsCut: boolean;
  /** How it takes what a model has said before: as text, or only as the item that it was sent as. */
  readonly ownTurns: 'text' | 'item';
}

/** What a server can do, and how it wants to be asked. */
export interface ServerProfile {
  readonly chat: boolean;
  readonly sampling: readonly SamplingOption[];
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  /** `openai`: `{ type: 'json_schema', json_schema: { … } }`; `value`: `{ type: 'json_object', value: schema }`. */
  readonly schemaForm: 'openai' | 'value';
  readonly jsonSchema: boolean;
  readonly embeddings: boolean;
  /** Whether chats take tools; vLLM and SGLang have to be started with a parser for their model's calls, llama-server with its template. */
  readonly tools: boolean;
  /** Most alternatives that it tells for a token; 0: it tells no log-probabilities. */
  readonly alternatives: number;
  /** Whether it continues plain text, and the field in which it takes a JSON Schema there. */
  readonly completion: { readonly schemaField?: 'response_format' | 'json_schema' } | undefined;
  readonly responses: ResponsesProfile | undefined;
  /**
   * Whether it closes the connection at the end of a stream, though its headers say that it keeps it: a request that is sent there at that moment is lost
   * ("other side closed"). Streams are then asked for with `Connection: close`.
   */
  readonly closesStreams: boolean;
  /** Where it ranks, relative to the base URL, and how it calls the documents. */
  readonly reranking: { readonly path: string; readonly documentsField: 'documents' | 'texts' } | undefined;
}

const generic: ServerProfile = {
  chat: true,
  sampling: ['topP', 'seed'],
  maxTokensField: 'max_tokens',
  schemaForm: 'openai',
  jsonSchema: true,
  embeddings: true,
  tools: true,
  alternatives: 0,
  completion: undefined,
  responses: { alternatives: 0, sampling: ['topP'], jsonSchema: true, tellsCut: true, ownTurns: 'text' },
  closesStreams: false,
  reranking: undefined,
};

const responsesWithAlternatives: ResponsesProfile = {
  alternatives: 20,
  sampling: ['topP', 'logProbabilities'],
  jsonSchema: true,
  tellsCut: true,
  ownTurns: 'text',
};
/** They call each answer complete. */
const responsesUntold: ResponsesProfile = { alternatives: 0, sampling: ['topP'], jsonSchema: true, tellsCut: false, ownTurns: 'text' };

const ranks: ServerProfile['reranking'] = { path: 'rerank', documentsField: 'documents' };

/**
 * vLLM alone takes `stopTokens`, by their numbers: others match text, and special tokens are no text to them. SGLang ignores `seed` unless it was started for
 * deterministic inference. Newer OpenAI models refuse `max_tokens`, and only their oldest ones continue text.
 */
export const serverProfiles: Readonly<Record<ServerKind, ServerProfile>> = {
  generic,
  openai: {
    ...generic,
    maxTokensField: 'max_completion_tokens',
    alternatives: 20,
    sampling: ['topP', 'seed', 'logProbabilities'],
    responses: responsesWithAlternatives,
  },
  vllm: {
    ...generic,
    sampling: ['topP', 'topK', 'minP', 'seed', 'stopTokens', 'logProbabilities'],
    alternatives: 20,
    completion: { schemaField: 'response_format' },
    responses: responsesWithAlternatives,
    reranking: ranks,
  },
  'llama-server': {
    ...generic,
    closesStreams: true,
    sampling: ['topP', 'topK', 'minP', 'seed', 'logProbabilities'],
    alternatives: 20,
    completion: { schemaField: 'json_schema' },
    responses: { ...responsesUntold, jsonSchema: false, ownTurns: 'item' }, // it ignores `text.format` without a word
    reranking: ranks,
  },
  sglang: {
    ...generic,
    sampling: ['topP', 'topK', 'minP', 'logProbabilities'],
    alternatives: 20,
    completion: { schemaField: 'response_format' },
    reranking: ranks,
  },
  ollama: {
    ...generic,
    alternatives: 20,
    sampling: ['topP', 'seed', 'logProbabilities'],
    completion: {},
    responses: responsesUntold,
  },
  tgi: {
    ...generic,
    schemaForm: 'value',
    embeddings: false,
    alternatives: 5,
    sampling: ['topP', 'seed', 'logProbabilities'],
    completion: {},
    responses: undefined,
  },
  tei: {
    ...generic,
    chat: false,
    tools: false,
    jsonSchema: false,
    sampling: [],
    responses: undefined,
    reranking: { path: '../rerank', documentsField: 'texts' },
  },
};
