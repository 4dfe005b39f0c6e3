import { definePrompt, type PreparedPrompt } from 'millrace';

/** What a task is about: the same prompt is the same work, whatever else stands in its line. */
export type FileInput = { readonly prompt: string } | { readonly problem: string };

/** A line as a task. */
export interface FileTask {
  readonly id: string;
  /** What the line said. */
  readonly input: unknown;
  readonly asks: FileInput;
  /** The same prompt as one whose fields can be cut where it is too long: each on lines of its own. */
  readonly cuttable: () => PreparedPrompt;
}

const slot = /\{(\w+)\}/g;

/**
 * A line of JSON is a row, or a text; anything else is a text. `{text}` and other names in braces in `prompt` are its fields; a row that lacks one is a problem of its own.
 * @param nth from 1
 */
export function taskOf(line: string, nth: number, prompt: string): FileTask {
  const input = parsed(line);
  const row: Readonly<Record<string, unknown>> =
    typeof input === 'object' && input !== null ? (input as Readonly<Record<string, unknown>>) : { text: input };
  const { id } = row;
  const missing: string[] = [];
  const filled = prompt.replaceAll(slot, (_, name: string) => {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (value === undefined || value === null) {
      missing.push(name);
      return '';
    }
    return textOf(value);
  });
  const asks: FileInput =
    missing.length === 0
      ? { prompt: filled }
      : {
          problem: `task ${String(nth)}: expected a field ${missing.join(', ')}, got a row without: --prompt names the fields that a row has`,
        };
  const cuttable = (): PreparedPrompt => cuttablePrompt(prompt, row);
  return { id: typeof id === 'string' || typeof id === 'number' ? String(id) : String(nth), input, asks, cuttable };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function cuttablePrompt(prompt: string, row: Readonly<Record<string, unknown>>): PreparedPrompt {
  // every second piece is the name of a field
  const pieces = prompt.split(slot).map((piece, at) => (at % 2 === 1 ? () => textOf(row[piece]) : piece.trim()));
  return definePrompt<unknown>({ name: 'parallel', version: '1', slots: 'bare', user: pieces.filter((piece) => piece !== '') })(row);
}

function parsed(line: string): unknown {
  if (!/^\s*[{["]/.test(line)) return line;
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return line;
  }
}
