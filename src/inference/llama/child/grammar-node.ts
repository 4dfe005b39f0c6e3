/** A piece of a grammar, as data: it is measured before it is written as GBNF. */
export type GrammarNode =
  | { readonly kind: 'text'; readonly text: string }
  /** One character; `gbnf` is a class such as `[a-z]`. */
  | { readonly kind: 'class'; readonly gbnf: string; readonly bytes: number }
  | { readonly kind: 'sequence'; readonly parts: readonly GrammarNode[] }
  | { readonly kind: 'either'; readonly options: readonly GrammarNode[] }
  | { readonly kind: 'times'; readonly part: GrammarNode; readonly least: number; readonly most: number }
  | { readonly kind: 'rule'; readonly name: string };

export const text = (content: string): GrammarNode => ({ kind: 'text', text: content });
export const nothing: GrammarNode = text('');
export const sequence = (...parts: readonly GrammarNode[]): GrammarNode => {
  const [only, ...more] = parts;
  return only !== undefined && more.length === 0 ? only : { kind: 'sequence', parts };
};
export const either = (options: readonly GrammarNode[]): GrammarNode => {
  const [only, ...more] = options;
  return only !== undefined && more.length === 0 ? only : { kind: 'either', options };
};
export const times = (part: GrammarNode, least: number, most: number): GrammarNode => ({ kind: 'times', part, least, most });
export const digit = (from = '0', to = '9'): GrammarNode => ({
  kind: 'class',
  gbnf: from === to ? `[${from}]` : `[${from}-${to}]`,
  bytes: 1,
});

/**
 * The parser makes a rule of each repetition, refuses many, and takes more than 2,000 for no bound at all, in silence. So longer ones are written as blocks,
 * which make no more rules than thrice the root of their number.
 */
const mostWritten = 1_000;
/** Shorter ones are written where they stand. */
const fewWritten = 8;

/** How long something may be, or how many there may be. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Counts what a node becomes when it is parsed, about: what a call pays for, since each parses its grammar. */
export function elementsOf(node: GrammarNode): number {
  switch (node.kind) {
    case 'text':
      return node.text.length;
    case 'class':
    case 'rule':
      return 1;
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + elementsOf(part), 1);
    case 'either':
      return node.options.reduce((sum, option) => sum + elementsOf(option) + 1, 1);
    case 'times':
      return elementsOf(node.part) + writtenOf(node.least) + writtenOf(node.most);
  }
}

const writtenOf = (count: number): number => (!Number.isFinite(count) ? 1 : count <= mostWritten ? count : 3 * Math.ceil(Math.sqrt(count)));

/** Bytes of the shortest and of the longest text that a node can become; `rules` says it of rules. */
export interface Extent {
  readonly least: number;
  readonly most: number;
}

export function extentOf(node: GrammarNode, rules: ReadonlyMap<string, Extent>): Extent {
  switch (node.kind) {
    case 'text': {
      const bytes = Buffer.byteLength(node.text);
      return { least: bytes, most: bytes };
    }
    case 'class':
      return { least: 1, most: node.bytes };
    case 'rule':
      return rules.get(node.name) ?? { least: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
    case 'sequence': {
      const parts = node.parts.map((part) => extentOf(part, rules));
      return { least: parts.reduce((sum, one) => sum + one.least, 0), most: parts.reduce((sum, one) => sum + one.most, 0) };
    }
    case 'either': {
      const options = node.options.map((option) => extentOf(option, rules));
      return {
        least: options.reduce((low, one) => Math.min(low, one.least), Number.POSITIVE_INFINITY),
        most: options.reduce((high, one) => Math.max(high, one.most), 0),
      };
    }
    case 'times': {
      const { least, most } = extentOf(node.part, rules);
      return { least: node.least === 0 ? 0 : node.least * least, most: node.most === 0 || most === 0 ? 0 : node.most * most };
    }
  }
}

/** The rules that a text of `node` may begin with. */
export function beginsOf(node: GrammarNode, rules: ReadonlyMap<string, Extent>): readonly string[] {
  switch (node.kind) {
    case 'text':
    case 'class':
      return [];
    case 'rule':
      return [node.name];
    case 'either':
      return node.options.flatMap((option) => beginsOf(option, rules));
    case 'times':
      return beginsOf(node.part, rules);
    case 'sequence': {
      const first = node.parts.findIndex((part) => extentOf(part, rules).least > 0);
      return node.parts.slice(0, first < 0 ? node.parts.length : first + 1).flatMap((part) => beginsOf(part, rules));
    }
  }
}

/** Writes rules as GBNF; what is repeated gets a rule of its own. */
export class GbnfWriter {
  readonly #lines: string[] = [];
  readonly #named = new Map<string, string>();

  get gbnf(): string {
    return this.#lines.join('\n');
  }

  rule(name: string, node: GrammarNode): void {
    const body = node.kind === 'either' ? node.options.map((option) => this.#write(option)).join(' | ') : this.#write(node);
    this.#lines.push(`${name} ::= ${body}`);
  }

  #write(node: GrammarNode): string {
    switch (node.kind) {
      case 'text':
        return verbatim(node.text);
      case 'class':
        return node.gbnf;
      case 'rule':
        return node.name;
      case 'sequence':
        return node.parts.map((part) => this.#write(part)).join(' ');
      case 'either':
        return `(${node.options.map((option) => this.#write(option)).join(' | ')})`;
      case 'times':
        return this.#times(node.part, node.least, node.most);
    }
  }

  #times(part: GrammarNode, least: number, most: number): string {
    if (most === 0) return '""';
    const one = part.kind === 'class' || part.kind === 'rule' ? this.#write(part) : this.#line(this.#write(part));
    if (!Number.isFinite(most)) return least === 0 ? `${one}*` : `${this.#exactly(one, least - 1)} ${one}+`.trimStart();
    return `${this.#exactly(one, least)} ${this.#upTo(one, most - least)}`.trim();
  }

  #exactly(one: string, count: number): string {
    if (count <= 1) return count === 0 ? '' : one;
    if (count <= mostWritten) return this.#counted(one, `{${String(count)}}`, count);
    const size = Math.ceil(Math.sqrt(count));
    return `${this.#exactly(this.#exactly(one, size), Math.floor(count / size))} ${this.#exactly(one, count % size)}`.trim();
  }

  #upTo(one: string, count: number): string {
    if (count <= 1) return count === 0 ? '' : `${one}?`;
    if (count <= mostWritten) return this.#counted(one, `{0,${String(count)}}`, count);
    const size = Math.ceil(Math.sqrt(count));
    const blocks = Math.floor(count / size) - 1; // what is left is no whole block
    return `${this.#upTo(this.#exactly(one, size), blocks)} ${this.#upTo(one, count - blocks * size)}`;
  }

  #counted(one: string, suffix: string, count: number): string {
    return count <= fewWritten ? one + suffix : this.#line(one + suffix);
  }

  /** The same is written once. */
  #line(body: string): string {
    const known = this.#named.get(body);
    if (known !== undefined) return known;
    const name = `n${String(this.#named.size)}`;
    this.#named.set(body, name);
    this.#lines.push(`${name} ::= ${body}`);
    return name;
  }
}

/** As GBNF reads it; it knows no other escapes, and a line break would end the rule. */
const verbatim = (content: string): string =>
  `"${content.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`;
