import type { SentEvent } from './event-reader.state.ts';
import type { TargetKind } from './target-kind.ts';
import type { Told } from './task-meter.state.ts';

const nothing: Told = { tokens: 0, usage: undefined, attempt: undefined, isEnd: false, failure: undefined, malformed: undefined };

type Members = Readonly<Record<string, unknown>>;
const membersOf = (value: unknown): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;

/** Reads one event of a stream of this kind. */
export function readTold(kind: TargetKind, { event, data }: SentEvent): Told {
  if (data.trim() === '[DONE]') return { ...nothing, isEnd: true };
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    if (event === 'error') return { ...nothing, failure: codeOf(data) };
    if (kind === 'sse') return { ...nothing, tokens: data === '' ? 0 : undefined };
    return { ...nothing, malformed: 'an event whose data is no JSON' };
  }
  const members = membersOf(value);
  if (event === 'error' || hasError(members)) return { ...nothing, failure: codeOf(members?.['error'] ?? value) };
  if (members === undefined)
    return kind === 'sse' ? { ...nothing, tokens: undefined } : { ...nothing, malformed: 'an event whose data is no object' };
  const text = textOf(kind, members);
  const count = numberIn(members, 'token_count');
  return {
    ...nothing,
    tokens: count ?? (text ? undefined : 0),
    usage: numberIn(membersOf(members['usage']), 'completion_tokens') ?? numberIn(membersOf(members['usage']), 'output_tokens'),
    attempt: numberIn(members, 'attempt'),
  };
}

const hasError = (members: Members | undefined): boolean =>
  members?.['error'] !== undefined && members['error'] !== null && members['error'] !== false && members['error'] !== '';

function numberIn(members: Members | undefined, name: string): number | undefined {
  const value = members?.[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Whether it brings some of the answer: text, thought, or the arguments of a call. */
function textOf(kind: TargetKind, members: Members): boolean {
  const { choices } = members;
  if (Array.isArray(choices)) return choices.some((choice) => isSaid(membersOf(choice)));
  if (kind === 'generate') return isText(members['text']);
  if (kind !== 'sse') return false;
  const known = ['text', 'content', 'token', 'response', 'delta'].filter((name) => name in members);
  if (known.length > 0) return known.some((name) => isText(members[name]) || membersOf(members[name]) !== undefined);
  return !('usage' in members || 'finish_reason' in members); // of a server that nobody knows each event counts
}

function isSaid(choice: Members | undefined): boolean {
  const delta = membersOf(choice?.['delta']);
  const calls = delta?.['tool_calls'];
  return (
    isText(choice?.['text']) ||
    ['content', 'reasoning_content', 'reasoning', 'refusal'].some((name) => isText(delta?.[name])) ||
    (Array.isArray(calls) && calls.some((call) => isText(membersOf(membersOf(call)?.['function'])?.['arguments'])))
  );
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** Short, and of letters that any report may show. */
function codeOf(error: unknown): string {
  const members = membersOf(error);
  const code = [members?.['code'], members?.['type'], members?.['message'], error].find(
    (one): one is string | number => (typeof one === 'string' && one !== '') || typeof one === 'number',
  );
  return code === undefined
    ? 'without a code'
    : String(code)
        .replaceAll(/[^\w .:-]+/g, ' ')
        .trim()
        .slice(0, 60);
}
