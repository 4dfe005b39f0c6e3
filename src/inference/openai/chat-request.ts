import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { CompletionCreateParamsNonStreaming } from 'openai/resources/completions';
import { InferenceError } from '../../errors.ts';
import type { ChatOptions, ChatTurn, JsonSchema } from '../model.ts';
import { isStrictSchema } from './is-strict-schema.ts';
import type { ServerProfile } from './server-profile.ts';

/** What a request is made of beside the call itself. */
export interface RequestSettings {
  readonly model: string;
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  readonly profile: ServerProfile;
  readonly extraBody: Readonly<Record<string, unknown>>;
}

/** The body of a chat request; `extraBody` goes last, and a field that it sets to undefined is left out. */
export function chatRequest(
  turns: readonly ChatTurn[],
  options: ChatOptions,
  { model, maxTokensField, profile, extraBody }: RequestSettings,
): ChatCompletionCreateParamsNonStreaming {
  const { maxTokens, jsonSchema, logProbabilities } = options;
  return {
    model,
    messages: turns.map(({ role, content }) => ({ role, content })),
    ...given({ [maxTokensField]: maxTokens }),
    ...sampling(options),
    ...(logProbabilities === undefined ? {} : { logprobs: true, top_logprobs: atLeastOne(logProbabilities) }),
    ...(jsonSchema === undefined ? {} : { response_format: responseFormat(jsonSchema, profile) }),
    ...extraBody,
  } as ChatCompletionCreateParamsNonStreaming; // some fields are this server's own
}

/**
 * The body of a request to continue a text.
 * @throws InferenceError `capability_missing` for a schema where the server takes none here.
 */
export function completionRequest(
  prompt: string,
  options: ChatOptions,
  { model, profile, extraBody }: RequestSettings,
): CompletionCreateParamsNonStreaming {
  const { maxTokens, jsonSchema, logProbabilities } = options;
  const alternatives = logProbabilities === undefined ? undefined : atLeastOne(logProbabilities);
  return {
    model,
    prompt,
    ...given({ max_tokens: maxTokens }),
    ...sampling(options),
    // llama-server knows its own name for it; others ignore that
    ...(alternatives === undefined ? {} : { logprobs: alternatives, n_probs: alternatives }),
    ...(jsonSchema === undefined ? {} : completionSchema(jsonSchema, profile)),
    ...extraBody,
  };
}

const sampling = ({ temperature, topP, topK, minP, seed, stop }: ChatOptions): Readonly<Record<string, unknown>> => ({
  ...given({ temperature, top_p: topP, top_k: topK, min_p: minP, seed }),
  ...(stop === undefined || stop.length === 0 ? {} : { stop: [...stop] }),
});

/** With none some servers tell nothing at all. */
const atLeastOne = (alternatives: number): number => Math.max(1, alternatives);

function responseFormat(jsonSchema: JsonSchema, { schemaForm }: ServerProfile): unknown {
  if (schemaForm === 'value') return { type: 'json_object', value: jsonSchema };
  const strict = isStrictSchema(jsonSchema) ? true : undefined;
  return { type: 'json_schema', json_schema: { name: 'answer', schema: { ...jsonSchema }, ...given({ strict }) } };
}

function completionSchema(jsonSchema: JsonSchema, profile: ServerProfile): Readonly<Record<string, unknown>> {
  const field = profile.completion?.schemaField;
  if (field === undefined)
    throw new InferenceError('capability_missing', 'the server takes no jsonSchema where it continues text; use chat or answer');
  return { [field]: field === 'json_schema' ? jsonSchema : responseFormat(jsonSchema, profile) };
}

const given = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
