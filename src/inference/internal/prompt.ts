import { OptionError } from '../../errors.ts';
import { isObject } from '../../check-options.ts';
import type { ChatTurn, PreparedPrompt, Prompt } from '../model.ts';

const roles: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant']);

/**
 * The prompt as turns, copied, so that later changes by the caller are not seen.
 * @throws OptionError for what is not a prompt. An empty one is data, not a mistake in code: see {@link isBlank}.
 */
export function turnsOf(prompt: Prompt): readonly ChatTurn[] {
  if (typeof prompt === 'string') return [{ role: 'user', content: prompt }];
  const turns: unknown = isPrepared(prompt) ? prompt.turns : prompt;
  if (!Array.isArray(turns))
    throw new OptionError(`prompt must be a string, a list of turns, or what definePrompt makes, got ${typeof prompt}`);
  return turns.map((turn: unknown, index) => {
    if (isTurn(turn)) return copied(turn);
    throw new OptionError(`prompt[${String(index)}] must be { role: 'system' | 'user' | 'assistant', content: string }`);
  });
}

const isPrepared = (prompt: unknown): prompt is PreparedPrompt =>
  isObject(prompt) && ['name', 'version', 'hash', 'turns'].every((field) => field in (prompt as object));

/** Which prompt it is, as output headers say it: `name@version#hash`. Undefined for text and turns. */
export const identityOf = (prompt: Prompt): string | undefined =>
  isPrepared(prompt) ? `${prompt.name}@${prompt.version}#${prompt.hash}` : undefined;

/** The same prompt, in other words: for who shortens it, or asks again. */
export const withTurns = (prompt: Prompt, turns: readonly ChatTurn[]): Prompt => (isPrepared(prompt) ? { ...prompt, turns } : turns);

const copied = ({ role, content, toolCalls, toolCallId }: ChatTurn): ChatTurn => ({
  ...{ role, content },
  ...(toolCalls === undefined ? {} : { toolCalls: toolCalls.map(({ id, name, arguments: args }) => ({ id, name, arguments: args })) }),
  ...(toolCallId === undefined ? {} : { toolCallId }),
});

const isTurn = (turn: unknown): turn is ChatTurn =>
  typeof turn === 'object' &&
  turn !== null &&
  'role' in turn &&
  roles.has(turn.role) &&
  'content' in turn &&
  typeof turn.content === 'string' &&
  (!('toolCalls' in turn) || (Array.isArray(turn.toolCalls) && turn.toolCalls.every(isToolCall))) &&
  (!('toolCallId' in turn) || typeof turn.toolCallId === 'string');

const isToolCall = (call: unknown): boolean =>
  isObject(call) && ['id', 'name', 'arguments'].every((field) => typeof Reflect.get(call as object, field) === 'string');

/** For models that know texts alone: calls of tools as JSON in an assistant's turn, their results as a user's. */
export const withoutTools = (turns: readonly ChatTurn[]): readonly ChatTurn[] =>
  turns.every(({ toolCalls, toolCallId }) => toolCalls === undefined && toolCallId === undefined)
    ? turns
    : turns.map(({ role, content, toolCalls = [] }) => {
        const called = toolCalls.map(({ name, arguments: args }) => JSON.stringify({ name, arguments: args }));
        return { role, content: [content, ...called].filter((text) => text !== '').join('\n') };
      });

/** Whether there is nothing to answer. */
export const isBlank = (turns: readonly ChatTurn[]): boolean => turns.every(({ content }) => content.trim() === '');

/** Adds an instruction to the last user turn; a turn of its own where the last is another's, since many templates know one system turn only. */
export function withInstruction(turns: readonly ChatTurn[], instruction: string): readonly ChatTurn[] {
  const last = turns.at(-1);
  if (last?.role !== 'user') return [...turns, { role: 'user', content: instruction }];
  return [...turns.slice(0, -1), { role: 'user', content: `${last.content}\n\n${instruction}` }];
}
