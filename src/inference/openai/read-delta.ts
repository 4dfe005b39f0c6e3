import { InferenceError } from '../../errors.ts';
import { isRecord } from './plain-errors.ts';

/** What a piece of an answer brings. */
export interface Delta {
  readonly text: string;
  readonly isRefusal: boolean;
  /** The name of the tool that it calls, or `?`; undefined where it calls none. */
  readonly tool: string | undefined;
}

/**
 * What is in a piece, or in a message. Content may be a list of parts, as Mistral writes it: texts are taken, and thoughts passed over.
 * @throws InferenceError `model_failed` for content that is neither.
 */
export function readDelta(given: unknown): Delta {
  if (!isRecord(given)) return { text: '', isRefusal: false, tool: undefined };
  const { content, refusal, tool_calls: tools, function_call: called } = given;
  const refused = typeof refusal === 'string' ? refusal : '';
  const tool = isRecord(called) ? called : Array.isArray(tools) ? (tools[0] as unknown) : undefined;
  return { text: textOf(content) || refused, isRefusal: refused !== '', tool: tool === undefined ? undefined : nameOf(tool) };
}

/** An answer that has no text, but asks for a tool: nothing here could call one. */
export const callsTool = (name: string): InferenceError =>
  new InferenceError(
    'answer_invalid',
    `expected text, got a call of the tool ${JSON.stringify(name)}: look for tools in extraBody, and in how the server was started`,
  );

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (Array.isArray(content) && content.every(isRecord))
    return content.map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : '')).join('');
  throw new InferenceError(
    'model_failed',
    `expected text as the content of an answer, got ${Array.isArray(content) ? 'a list' : typeof content}`,
  );
}

function nameOf(tool: unknown): string {
  const called = isRecord(tool) ? tool : {};
  const { name } = isRecord(called['function']) ? called['function'] : called;
  return typeof name === 'string' ? name : '?';
}
