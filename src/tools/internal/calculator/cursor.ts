import { refuse, type Token, tokensOf } from './tokens.ts';

const mostDepth = 64;

export const told = ({ kind, text }: Token): string => (kind === 'end' ? text : JSON.stringify(text));

/** What was probably meant by something that stands where an operator should. */
export function hint({ kind, text }: Token): string {
  if (kind === 'number' || kind === 'name' || text === '(') return ' (write * to multiply)';
  return text === ',' ? ' (write numbers without commas)' : '';
}

/** Where the reading of an expression is, and how deep. */
export class Cursor {
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #next = 0;
  #depth = 0;

  constructor(expression: string) {
    this.#tokens = tokensOf(expression);
    this.#end = { kind: 'end', text: 'the end', at: expression.length + 1 };
  }

  peek(): Token {
    return this.#tokens[this.#next] ?? this.#end;
  }

  take(): Token {
    const token = this.peek();
    this.#next += 1;
    return token;
  }

  takes(sign: string): boolean {
    const { kind, text } = this.peek();
    if (kind !== 'sign' || text !== sign) return false;
    this.#next += 1;
    return true;
  }

  expect(sign: string): void {
    const found = this.peek();
    if (!this.takes(sign)) throw refuse(`expected ${JSON.stringify(sign)}, got ${told(found)}${hint(found)}`, found.at);
  }

  /** @throws ToolError when it is one level too deep: each is a call on the stack. */
  deeper<T>(what: () => T): T {
    this.#depth += 1;
    if (this.#depth > mostDepth) {
      throw refuse(`expected an expression nested at most ${String(mostDepth)} deep, got a deeper one`, this.peek().at);
    }
    const value = what();
    this.#depth -= 1;
    return value;
  }
}
