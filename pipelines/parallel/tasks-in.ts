import { definePrompt, messageOf, type PreparedPrompt } from 'millrace';
import type { TaskLine } from './task-lines.ts';

/** What a task is about: the same prompt is the same work, whatever else stands in its line. */
export type FileInput =
  | { readonly prompt: string }
  | { readonly problem: string; readonly code: 'schema_violation' | 'unreadable_document' };

/** A line as a task. */
export interface FileTask {
  readonly id: string;
  /** Of the line, from 1. */
  readonly line: number;
  /** What the line said; undefined where it cannot be read. */
  readonly input: unknown;
  readonly asks: FileInput;
  /** The same prompt as one whose fields can be cut where it is too long: each on lines of its own. */
  readonly cuttable: () => PreparedPrompt;
}

type Row = Readonly<Record<string, unknown>>;

const slot = /\{(\w+)\}/g;

/**
 * A line of JSON is a row, or a text; where it need not be JSON anything else is a text. `{text}` and other names in braces in `prompt` are its fields. A row that lacks one is a problem of its own, and so is a line that cannot be read.
 * @param nth from 1
 */
export function taskOf(line: TaskLine, nth: number, prompt: string): FileTask {
  const { input, problem } = read(line);
  const row: Row = typeof input === 'object' && input !== null ? (input as Row) : { text: input };
  const { id } = row;
  const asks: FileInput = problem === undefined ? askedOf(row, prompt, line.where) : { problem, code: 'unreadable_document' };
  const cuttable = (): PreparedPrompt => cuttablePrompt(prompt, row);
  const named = typeof id === 'string' || typeof id === 'number' ? String(id) : String(nth);
  return { id: named, line: line.number, input, asks, cuttable };
}

interface Read {
  readonly input: unknown;
  readonly problem?: string;
}

function read({ text, problem, where, isRow }: TaskLine): Read {
  if (text === undefined) return { input: undefined, problem: `${where}: ${problem ?? 'it cannot be read'}` };
  if (!isRow && !/^\s*[{["]/.test(text)) return { input: text };
  try {
    const input = JSON.parse(text) as unknown;
    if (!isRow || typeof input === 'string' || isObject(input)) return { input };
    return {
      input,
      problem: `${where}: expected an object with fields, or a text, got ${input === null ? 'null' : Array.isArray(input) ? 'a list' : typeof input}`,
    };
  } catch (error) {
    if (!isRow) return { input: text };
    // not what it says: logs and dead letters tell the message
    const [, at] = /position (\d+)/.exec(messageOf(error)) ?? [];
    const column = at === undefined ? '' : ` (column ${String(Number(at) + 1)})`;
    return { input: text, problem: `${where}: expected a line of JSON, got one that is none${column}; mend the line, or leave it out` };
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function askedOf(row: Row, prompt: string, where: string): FileInput {
  const missing: string[] = [];
  const filled = prompt.replaceAll(slot, (_, name: string) => {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (value === undefined || value === null) {
      missing.push(name);
      return '';
    }
    return textOf(value);
  });
  if (missing.length === 0) return { prompt: filled };
  const problem = `${where}: expected a field ${missing.join(', ')}, got a row without: --prompt names the fields that a row has`;
  return { problem, code: 'schema_violation' };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function cuttablePrompt(prompt: string, row: Row): PreparedPrompt {
  // every second piece is the name of a field
  const pieces = prompt.split(slot).map((piece, at) => (at % 2 === 1 ? () => textOf(row[piece]) : piece.trim()));
  return definePrompt<unknown>({ name: 'parallel', version: '1', slots: 'bare', user: pieces.filter((piece) => piece !== '') })(row);
}
