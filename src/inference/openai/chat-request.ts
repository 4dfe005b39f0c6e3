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
    messages: turns.map(messageOf),
    ...given({ [maxTokensField]: maxTokens }),
    ...sampling(options),
    ...(logProbabilities === undefined ? {} : { logprobs: true, top_logprobs: atLeastOne(logProbabilities) }),
    ...(jsonSchema === undefined ? {} : { response_format: responseFormat(jsonSchema, profile) }),
    ...toolFields(options),
    ...extraBody,
  } as ChatCompletionCreateParamsNonStreaming; // some fields are this server's own
}

/** A turn in the API's words; what a tool gave back is a message of its own kind. */
function messageOf({ role, content, toolCalls = [], toolCallId }: ChatTurn): unknown {
  if (toolCallId !== undefined) return { role: 'tool', tool_call_id: toolCallId, content };
  if (toolCalls.length === 0) return { role, content };
  const calls = toolCalls.map(({ id, name, arguments: args }) => ({ id, type: 'function', function: { name, arguments: args } }));
  return { role, content: content === '' ? null : content, tool_calls: calls };
}

function toolFields({ tools, toolChoice, parallelToolCalls }: ChatOptions): Readonly<Record<string, unknown>> {
  if (tools === undefined) return {};
  const functions = tools.map(({ name, description, parameters, strict }) => ({
    type: 'function',
    function: { name, ...given({ description, parameters, strict }) },
  }));
  const choice = typeof toolChoice === 'object' ? { type: 'function', function: { name: toolChoice.name } } : toolChoice;
  return { tools: functions, ...given({ tool_choice: choice, parallel_tool_calls: parallelToolCalls }) };
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
