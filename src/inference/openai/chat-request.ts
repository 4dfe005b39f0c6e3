import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { ChatOptions, ChatTurn, JsonSchema } from '../model.ts';

/** What a request is made of beside the call itself. */
export interface RequestSettings {
  readonly model: string;
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  readonly extraBody: Readonly<Record<string, unknown>>;
}

/** The body of a chat request; `extraBody` goes last, and a field that it sets to undefined is left out. */
export function chatRequest(
  turns: readonly ChatTurn[],
  options: ChatOptions,
  { model, maxTokensField, extraBody }: RequestSettings,
): ChatCompletionCreateParamsNonStreaming {
  const { maxTokens, temperature, topP, seed, stop, jsonSchema } = options;
  const strict = isStrict(jsonSchema) ? true : undefined;
  return {
    model,
    messages: turns.map(({ role, content }) => ({ role, content })),
    ...given({ [maxTokensField]: maxTokens, temperature, top_p: topP, seed }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop: [...stop] }),
    ...(jsonSchema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { ...jsonSchema }, ...given({ strict }) } } }),
    ...extraBody,
  };
}

const given = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Whether a schema meets the strict mode's demands: every object closed, all its properties required. Others are sent without it, which some servers obey less. */
function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (typeof schema !== 'object' || schema === null) return true;
  const node = schema as JsonSchema;
  const properties = node['properties'];
  if (typeof properties === 'object' && properties !== null) {
    const required: unknown = node['required'];
    const names = new Set(Array.isArray(required) ? required : []);
    if (node['additionalProperties'] !== false || Object.keys(properties).some((name) => !names.has(name))) return false;
    return Object.entries(node).every(([key, child]) =>
      key === 'properties' ? Object.values(properties).every(isStrict) : isStrict(child),
    );
  }
  return Object.values(node).every(isStrict);
}
