import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type OptionNames, requireOptions } from '../../check-options.ts';
import { messageOf, OptionError, requireInteger, requireNumber, requireText } from '../../errors.ts';
import { requireTools, toolsOf } from './tool-options.ts';
import type { AnswerOptions, ChatOptions, JsonSchema } from '../model.ts';

/** What holds where a call says nothing: an answer long enough for a record's enrichment, and the same answer each time. */
const defaults = { maxTokens: 512, temperature: 0 } as const;

/** The largest answer that can be asked for; beyond it stands a slip of the keyboard. */
const largestMaxTokens = 1_000_000;

/** A few stop strings are common; servers refuse more than 4 to 16. */
const mostStops = 16;

/** What OpenAI's servers take. */
const mostAlternatives = 20;

const chatOptionNames: OptionNames<ChatOptions> = {
  maxTokens: true,
  temperature: true,
  topP: true,
  topK: true,
  minP: true,
  seed: true,
  stop: true,
  stopTokens: true,
  logProbabilities: true,
  jsonSchema: true,
  tools: true,
  toolChoice: true,
  parallelToolCalls: true,
};
const answerOptionNames: OptionNames<AnswerOptions<StandardSchemaV1>> = { ...chatOptionNames, schema: true, repairs: true };

/** The options checked, with defaults, so that all back ends mean the same. */
export type ResolvedChatOptions = ChatOptions & { readonly maxTokens: number; readonly temperature: number };

/**
 * The options of `of`; those of `answer` may be here for all that is counted before a call, which asks about both kinds.
 * @throws OptionError for a name that is none, and a value out of range.
 */
export function resolveChatOptions(given: ChatOptions = {}, of: 'chat' | 'complete' | 'answer' = 'chat'): ResolvedChatOptions {
  if (of === 'answer') requireOptions<object>(of, given, answerOptionNames);
  else requireOptions(of, given, chatOptionNames);
  const { maxTokens = defaults.maxTokens, temperature = defaults.temperature, ...others } = given;
  const { topP, topK, minP, seed, stop, stopTokens, logProbabilities, jsonSchema } = others;
  requireTools(others, of);
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
    ...toolsOf(others),
  };
}

function requireStops(name: 'stop' | 'stopTokens', stop: readonly string[]): void {
  if (!Array.isArray(stop) || stop.length > mostStops)
    throw new OptionError(`${name} must be a list of at most ${String(mostStops)} strings`);
  stop.forEach((one, index) => {
    // a blank stop string is of use (a line break), an empty one would end every answer at once
    if (typeof one === 'string' && one !== '') return;
    requireText(`${name}[${String(index)}]`, one);
  });
}

const checked = new WeakSet();

/** What zod makes of a schema, has a `~standard` of another kind. */
const isStandardSchema = (value: object): boolean =>
  '~standard' in value &&
  typeof value['~standard'] === 'object' &&
  value['~standard'] !== null &&
  'validate' in value['~standard'] &&
  !('$schema' in value);

/** @throws OptionError for what is no JSON Schema as data: it goes to another process, or over the wire. */
function requireJsonSchema(jsonSchema: unknown): asserts jsonSchema is JsonSchema {
  if (typeof jsonSchema !== 'object' || jsonSchema === null || Array.isArray(jsonSchema))
    throw new OptionError('jsonSchema must be a JSON Schema as an object');
  if (checked.has(jsonSchema)) return;
  if (isStandardSchema(jsonSchema))
    throw new OptionError('jsonSchema must be a JSON Schema as data, got the schema of a library: give it to answer, as schema');
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
