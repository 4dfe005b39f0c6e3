import { z } from 'zod';
import type { ChatTurn } from '../../inference/model.ts';
import { RequestError } from './api-error.ts';
import { maybe } from './maybe.ts';

const part = z.object({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() });
const content = z.union([z.string(), z.array(part).max(1_000)]);
const toolCall = z.object({ id: z.string().max(256), function: z.object({ name: z.string(), arguments: z.string() }) });

export const messagesSchema = z
  .array(
    z.object({
      role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
      content: maybe(content),
      tool_calls: maybe(z.array(toolCall).max(128)),
      tool_call_id: maybe(z.string().min(1).max(256)),
    }),
  )
  .min(1)
  .max(10_000);

type Message = z.output<typeof messagesSchema>[number];

const roles: Readonly<Record<Message['role'], ChatTurn['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'user',
  function: 'user',
};

/**
 * OpenAI's messages as turns. Calls of tools and their results stay what they are; models that know texts alone read them as such.
 * @throws RequestError for parts that are no text.
 */
export const turnsOf = (messages: readonly Message[]): readonly ChatTurn[] =>
  messages.map((message, i) => ({ role: roles[message.role], content: textOf(message, i), ...callsOf(message) }));

function callsOf({ role, tool_calls: calls = [], tool_call_id: id }: Message): Pick<ChatTurn, 'toolCalls' | 'toolCallId'> {
  if (role === 'tool' && id !== undefined) return { toolCallId: id };
  if (role !== 'assistant' || calls.length === 0) return {};
  return { toolCalls: calls.map((call) => ({ id: call.id, ...call.function })) };
}

function textOf({ content: given }: Message, i: number): string {
  if (typeof given === 'string') return given;
  return (given ?? []).map((one, n) => partText(one, `messages[${String(i)}].content[${String(n)}]`)).join('');
}

function partText({ type, text, refusal }: z.output<typeof part>, param: string): string {
  const found = type === 'text' || type === 'input_text' || type === 'output_text' ? text : type === 'refusal' ? refusal : undefined;
  if (found === undefined)
    throw new RequestError(`${param} must be a part of type text, got ${type}: the models here take texts alone`, { param });
  return found;
}
