import { messageOf, OptionError, requireInteger, requireNumber, requireText } from '../../errors.ts';
import type { ChatOptions, JsonSchema } from '../model.ts';

/** What holds where a call says nothing: an answer long enough for a record's enrichment, and the same answer each time. */
const defaults = { maxTokens: 512, temperature: 0 } as const;

/** The largest answer that can be asked for; beyond it stands a slip of the keyboard. */
const largestMaxTokens = 1_000_000;

/** A few stop strings are common; servers refuse more than 4 to 16. */
const mostStops = 16;

/** What OpenAI's servers take. */
const mostAlternatives = 20;

/** The options checked, with defaults, so that all back ends mean the same. */
export type ResolvedChatOptions = ChatOptions & { readonly maxTokens: number; readonly temperature: number };

/** @throws OptionError for a value out of range. */
export function resolveChatOptions(given: ChatOptions = {}): ResolvedChatOptions {
  const { maxTokens = defaults.maxTokens, temperature = defaults.temperature, ...others } = given;
  const { topP, topK, minP, seed, stop, stopTokens, logProbabilities, jsonSchema } = others;
  requireInteger('maxTokens', maxTokens, 1, largestMaxTokens);
  requireNumber('temperature', temperature, 0, 5);
  if (topP !== undefined) requireNumber('topP', topP, 0, 1);
  if (topK !== undefined) requireInteger('topK', topK, 1, 1_000);
  if (minP !== undefined) requireNumber('minP', minP, 0, 1);
  if (seed !== undefined) requireInteger('seed', seed, 0);
  if (stop !== undefined) requireStops('stop', stop);
  if (stopTokens !== undefined) requireStops('stopTokens', stopTokens);
  if (logProbabilities !== undefined) requireInteger('logProbabilities', logProbabilities, 0, mostAlternatives);
  if (jsonSchema !== undefined) requireJsonSchema(jsonSchema);
  return {
    maxTokens,
    temperature,
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(minP === undefined ? {} : { minP }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop: [...stop] }),
    ...(stopTokens === undefined ? {} : { stopTokens: [...stopTokens] }),
    ...(logProbabilities === undefined ? {} : { logProbabilities }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
  };
}

function requireStops(name: 'stop' | 'stopTokens', stop: readonly string[]): void {
  if (!Array.isArray(stop) || stop.length > mostStops)
    throw new OptionError(`${name} must be a list of at most ${String(mostStops)} strings`);
  stop.forEach((one, index) => {
    // a blank stop string is of use (a line break), an empty one would end every answer at once
    if (one !== '') return;
    requireText(`${name}[${String(index)}]`, one);
  });
}

const checked = new WeakSet();

/** @throws OptionError for what is no JSON Schema as data: it goes to another process, or over the wire. */
export function requireJsonSchema(jsonSchema: unknown): asserts jsonSchema is JsonSchema {
  if (typeof jsonSchema !== 'object' || jsonSchema === null || Array.isArray(jsonSchema))
    throw new OptionError('jsonSchema must be a JSON Schema as an object');
  if (checked.has(jsonSchema)) return;
  if ('~standard' in jsonSchema)
    throw new OptionError('jsonSchema must be a JSON Schema as data, got a schema of a library: give it to answer, as schema');
  try {
    JSON.stringify(jsonSchema, (name, value: unknown) => {
      if (typeof value === 'function' || typeof value === 'symbol') throw new OptionError(`it has a ${typeof value} at ${name}`);
      return value;
    });
  } catch (error) {
    throw new OptionError(`jsonSchema must be JSON, but ${messageOf(error)}`);
  }
  checked.add(jsonSchema);
}
