import { z } from 'zod';
import type { ChatOptions, ChatTurn, JsonSchema, Model, ModelTool, ToolChoice } from '../../inference/model.ts';
import { RequestError } from './api-error.ts';
import { maybe } from './maybe.ts';
import { messagesSchema, turnsOf } from './messages.ts';
import { samplingOf, samplingShape } from './sampling.ts';

const jsonSchema = z.record(z.string(), z.unknown());
const tool = z.object({
  type: z.string(),
  function: z
    .object({ name: z.string().min(1), description: maybe(z.string()), parameters: maybe(jsonSchema), strict: maybe(z.boolean()) })
    .optional(),
});

export const chatSchema = z.object({
  ...samplingShape,
  messages: messagesSchema,
  max_completion_tokens: maybe(z.int().min(1)),
  logprobs: maybe(z.boolean()),
  top_logprobs: maybe(z.int().min(0).max(20)),
  response_format: maybe(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({ type: z.literal('json_schema'), json_schema: z.object({ name: maybe(z.string()), schema: maybe(jsonSchema) }) }),
    ]),
  ),
  tools: maybe(z.array(tool).max(128)),
  tool_choice: maybe(
    z.union([z.enum(['none', 'auto', 'required']), z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) })]),
  ),
  parallel_tool_calls: maybe(z.boolean()),
});

export type ChatBody = z.output<typeof chatSchema>;

/** A chat, in our words. */
export interface ChatAsked {
  readonly turns: readonly ChatTurn[];
  readonly options: ChatOptions;
  /** The answer is what this function is to be called with: of a model that cannot choose, but can be held to its schema. */
  readonly tool: string | undefined;
}

const openAiTemperature = 1; // what their servers take where nothing is said

/** @throws RequestError for what the model cannot do. */
export function chatAsked(body: ChatBody, model: Model, maxTokens: number): ChatAsked {
  const { messages, logprobs, top_logprobs: top, max_tokens: most, max_completion_tokens: mostCompletion } = body;
  const choosing = model.capabilities.tools === true ? chosenAmong(body) : {};
  const tool = model.capabilities.tools === true ? undefined : toolOf(body, model);
  const schema = tool?.schema ?? schemaOf(body);
  const wanted = mostCompletion ?? most;
  if (schema !== undefined && !model.capabilities.jsonSchema)
    throw new RequestError(`${model.name} cannot be held to a JSON schema`, { param: tool ? 'tools' : 'response_format' });
  const told = tool && { role: 'system' as const, content: `Answer with the arguments, as JSON, of a call of the function ${tool.told}` };
  return {
    turns: told === undefined ? turnsOf(messages) : [told, ...turnsOf(messages)],
    options: {
      ...samplingOf(body, model, openAiTemperature),
      ...(wanted === undefined ? {} : { maxTokens: Math.min(wanted, maxTokens) }),
      ...(logprobs === true ? { logProbabilities: top ?? 0 } : {}),
      ...(schema === undefined ? {} : { jsonSchema: schema }),
      ...choosing,
    },
    tool: tool?.name,
  };
}

function schemaOf({ response_format: format }: ChatBody): JsonSchema | undefined {
  if (format?.type === 'json_object') return { type: 'object' };
  if (format?.type !== 'json_schema') return undefined;
  const { schema } = format.json_schema;
  if (schema === undefined)
    throw new RequestError('response_format.json_schema.schema must be a JSON Schema', { param: 'response_format' });
  return schema;
}

interface Forced {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly told: string;
}

type Functions = readonly NonNullable<z.output<typeof tool>['function']>[];

function functionsOf({ tools = [] }: ChatBody): Functions {
  const functions = tools.flatMap((one) => (one.type === 'function' && one.function ? [one.function] : []));
  if (functions.length === tools.length) return functions;
  throw new RequestError('tools must be functions: { type: "function", function: { name, … } }', { param: 'tools' });
}

/** Tools for a model that chooses among them by itself. */
function chosenAmong(body: ChatBody): Pick<ChatOptions, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  const functions = functionsOf(body);
  const { tool_choice: choice, parallel_tool_calls: parallelToolCalls } = body;
  if (functions.length === 0) return {};
  const tools = functions.map(
    ({ name, description, parameters, strict }): ModelTool => ({
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === undefined ? {} : { strict }),
    }),
  );
  const toolChoice: ToolChoice | undefined = typeof choice === 'object' ? { name: choice.function.name } : choice;
  return { tools, ...(toolChoice === undefined ? {} : { toolChoice }), ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }) };
}

/**
 * The one function that has to be called, of a model that cannot choose: its arguments are an answer by its schema. Whether to call one, and which, is a
 * decision that such a model has no template for.
 */
function toolOf(body: ChatBody, { name: model }: Model): Forced | undefined {
  const functions = functionsOf(body);
  const { tool_choice: choice } = body;
  if (functions.length === 0 || choice === 'none') return undefined;
  const wanted = typeof choice === 'object' ? functions.find(({ name }) => name === choice.function.name) : undefined;
  const found = wanted ?? (choice === 'required' && functions.length === 1 ? functions[0] : undefined);
  if (found === undefined)
    throw new RequestError(
      `${model} does not choose tools by itself: name the function to call in tool_choice, or say tool_choice "none"`,
      { param: 'tool_choice', code: 'unsupported_parameter' },
    );
  const { name, description, parameters } = found;
  return { name, schema: parameters ?? { type: 'object' }, told: `${name}${description === undefined ? '' : `: ${description}`}` };
}
