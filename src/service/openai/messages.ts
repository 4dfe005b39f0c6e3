import { z } from 'zod';
import type { ChatTurn } from '../../inference/model.ts';
import { RequestError } from './api-error.ts';
import { maybe } from './maybe.ts';

const part = z.object({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() });
const content = z.union([z.string(), z.array(part).max(1_000)]);
const toolCall = z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) });

export const messagesSchema = z
  .array(
    z.object({
      role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
      content: maybe(content),
      tool_calls: maybe(z.array(toolCall).max(128)),
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
 * OpenAI's messages as turns. What a tool gave back is a user's turn, and calls of tools are told in an assistant's, as JSON: models here know texts alone.
 * @throws RequestError for parts that are no text.
 */
export const turnsOf = (messages: readonly Message[]): readonly ChatTurn[] =>
  messages.map((message, i) => ({ role: roles[message.role], content: textOf(message, i) }));

function textOf({ content: given, tool_calls: calls }: Message, i: number): string {
  const called = (calls ?? []).map(({ function: { name, arguments: args } }) => JSON.stringify({ name, arguments: args }));
  const texts =
    typeof given === 'string' ? [given] : (given ?? []).map((one, n) => partText(one, `messages[${String(i)}].content[${String(n)}]`));
  return [texts.join(''), ...called].filter((text) => text !== '').join('\n');
}

function partText({ type, text, refusal }: z.output<typeof part>, param: string): string {
  const found = type === 'text' || type === 'input_text' || type === 'output_text' ? text : type === 'refusal' ? refusal : undefined;
  if (found === undefined)
    throw new RequestError(`${param} must be a part of type text, got ${type}: the models here take texts alone`, { param });
  return found;
}
