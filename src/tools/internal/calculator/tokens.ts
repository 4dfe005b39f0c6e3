import { ToolError } from '../../../errors.ts';

export const mostCharacters = 1_000;

export interface Token {
  readonly kind: 'number' | 'name' | 'sign' | 'end';
  readonly text: string;
  /** Counted from 1. */
  readonly at: number;
}

/** Longest first; typographic signs are what they mean. */
const form = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-zπτ_]\w*)|(\*\*|\/\/|[-+*/%^!(),×·÷−]))/uy;
/** A map, since names are anybody's: an object has a `constructor`. */
const meant: ReadonlyMap<string, string> = new Map([
  ['×', '*'],
  ['·', '*'],
  ['÷', '/'],
  ['−', '-'],
  ['**', '^'],
  ['π', 'pi'],
  ['τ', 'tau'],
]);

export const refuse = (what: string, at: number): ToolError => new ToolError('tool_refused', `${what} at character ${String(at)}`);

/** @throws ToolError for what is no part of an expression, and for one that is too long. */
export function tokensOf(expression: string): readonly Token[] {
  if (expression.length > mostCharacters)
    throw refuse(
      `expected an expression of at most ${String(mostCharacters)} characters, got ${String(expression.length)}`,
      mostCharacters + 1,
    );
  const tokens: Token[] = [];
  const end = expression.trimEnd().length;
  form.lastIndex = 0;
  while (form.lastIndex < end) {
    const from = form.lastIndex;
    const found = form.exec(expression);
    if (found === null) {
      const at = from + (/^\s*/.exec(expression.slice(from))?.[0].length ?? 0);
      throw refuse(
        `expected a number, a name or an operator, got ${JSON.stringify(String.fromCodePoint(expression.codePointAt(at) ?? 0))}`,
        at + 1,
      );
    }
    const [, number, name, sign] = found;
    const text = number ?? name ?? sign ?? '';
    const at = form.lastIndex - text.length + 1;
    tokens.push({ kind: number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign', text: meant.get(text) ?? text, at });
  }
  return [...tokens, { kind: 'end', text: 'the end', at: end + 1 }];
}
