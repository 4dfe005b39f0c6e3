import { OptionError, requireInteger, requireNumber, requireText } from '../../errors.ts';
import type { ChatOptions, JsonSchema } from '../model.ts';

/** What holds where a call says nothing: an answer long enough for a record's enrichment, and the same answer each time. */
const defaults = { maxTokens: 512, temperature: 0 } as const;

/** The largest answer that can be asked for; beyond it stands a slip of the keyboard. */
const largestMaxTokens = 1_000_000;

/** A few stop strings are common; servers refuse more than 4 to 16. */
const mostStops = 16;

/** The options checked, with defaults, so that all back ends mean the same. */
export type ResolvedChatOptions = ChatOptions & { readonly maxTokens: number; readonly temperature: number };

/** @throws OptionError for a value out of range. */
export function resolveChatOptions(given: ChatOptions = {}): ResolvedChatOptions {
  const { maxTokens = defaults.maxTokens, temperature = defaults.temperature, topP, seed, stop, jsonSchema } = given;
  requireInteger('maxTokens', maxTokens, 1, largestMaxTokens);
  requireNumber('temperature', temperature, 0, 5);
  if (topP !== undefined) requireNumber('topP', topP, 0, 1);
  if (seed !== undefined) requireInteger('seed', seed, 0);
  if (stop !== undefined) requireStops(stop);
  if (jsonSchema !== undefined) requireJsonSchema(jsonSchema);
  return {
    maxTokens,
    temperature,
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop: [...stop] }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
  };
}

function requireStops(stop: readonly string[]): void {
  if (!Array.isArray(stop) || stop.length > mostStops) throw new OptionError(`stop must be a list of at most ${String(mostStops)} strings`);
  stop.forEach((one, index) => {
    // a blank stop string is of use (a line break), an empty one would end every answer at once
    if (one !== '') return;
    requireText(`stop[${String(index)}]`, one);
  });
}

/** @throws OptionError for what is not an object. */
export function requireJsonSchema(jsonSchema: unknown): asserts jsonSchema is JsonSchema {
  if (typeof jsonSchema === 'object' && jsonSchema !== null && !Array.isArray(jsonSchema)) return;
  throw new OptionError('jsonSchema must be a JSON Schema as an object');
}
