/** GBNF as the engine reads it, for tests: what a grammar makes, and what it takes. Knows what our writer uses, and fails for anything else. */
type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'set'; readonly isNegated: boolean; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'any'; readonly options: readonly Node[] }
  | { readonly kind: 'times'; readonly part: Node; readonly least: number; readonly most: number }
  | { readonly kind: 'rule'; readonly name: string };

const lastCode = 0x10_ffff;

class Reader {
  readonly #line: string;
  #at: number;

  constructor(line: string, at: number) {
    this.#line = line;
    this.#at = at;
  }

  all(): Node {
    const node = this.#options();
    if (this.#at < this.#line.length)
      throw new Error(`what is ${this.#line.slice(this.#at, this.#at + 20)} in ${this.#line.slice(0, 80)}?`);
    return node;
  }

  #options(): Node {
    const options = [this.#parts()];
    while (this.#match(/^ *\|/y)) options.push(this.#parts());
    return options.length === 1 && options[0] ? options[0] : { kind: 'any', options };
  }

  #parts(): Node {
    const parts: Node[] = [];
    for (let part = this.#part(); part; part = this.#part()) parts.push(this.#repeated(part));
    return { kind: 'all', parts };
  }

  #part(): Node | undefined {
    this.#match(/ */y);
    const quoted = this.#match(/"((?:[^"\\]|\\.)*)"/y);
    if (quoted) return { kind: 'text', text: unescaped(quoted[1] ?? '') };
    const set = this.#match(/\[(\^?)((?:[^\]\\]|\\.)*)\]/y);
    if (set) return { kind: 'set', isNegated: set[1] === '^', ranges: rangesOf(set[2] ?? '') };
    const name = this.#match(/[a-z][a-z0-9]*/y);
    if (name) return { kind: 'rule', name: name[0] };
    if (!this.#match(/\(/y)) return undefined;
    const node = this.#options();
    if (!this.#match(/ *\)/y)) throw new Error('a group without an end');
    return node;
  }

  #repeated(part: Node): Node {
    const sign = this.#match(/[*+?]/y)?.[0];
    if (sign !== undefined) return { kind: 'times', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY };
    const counts = this.#match(/\{(\d+)(?:,(\d+))?\}/y);
    if (!counts) return part;
    const [least, most] = [Number(counts[1]), Number(counts[2] ?? counts[1])];
    if (most > 2_000) throw new Error('the engine takes that for no bound at all');
    return { kind: 'times', part, least, most };
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    const sticky = new RegExp(pattern.source.replace(/^\^/, ''), 'y');
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#line);
    if (found) this.#at += found[0].length;
    return found ?? undefined;
  }
}

const unescaped = (text: string): string =>
  text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g, (_, x, u, long, other: string | undefined) => {
    const code = (x ?? u ?? long) as string | undefined;
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
    return { n: '\n', r: '\r', t: '\t' }[other ?? ''] ?? other ?? '';
  });

/** Minus signs that are no ranges are escaped. */
function rangesOf(body: string): readonly (readonly [number, number])[] {
  const codes = [...body.matchAll(/(\\(?:x..|u....|U........|.)|[^\\])(-(\\(?:x..|u....|U........|.)|[^\\]))?/gsu)];
  const code = (text: string | undefined): number => unescaped(text ?? '').codePointAt(0) ?? 0;
  return codes.map(([, from, , to]) => [code(from), code(to ?? from)]);
}

export class Gbnf {
  readonly #rules = new Map<string, Node>();
  /** Of the shallowest text of a rule. */
  readonly #heights = new Map<string, number>();

  constructor(gbnf: string) {
    for (const line of gbnf.split('\n')) {
      const [, name = ''] = /^([a-z][a-z0-9]*) ::= /.exec(line) ?? [];
      if (name === '' || this.#rules.has(name)) throw new Error(`not one rule: ${line.slice(0, 80)}`);
      this.#rules.set(name, new Reader(line, name.length + ' ::= '.length).all());
    }
    for (let isNew = true; isNew; ) {
      isNew = false;
      for (const [name, node] of this.#rules) {
        const height = this.#height(node) + 1;
        if (height >= (this.#heights.get(name) ?? Number.POSITIVE_INFINITY)) continue;
        this.#heights.set(name, height);
        isNew = true;
      }
    }
  }

  /** One text that the grammar allows; short where `random` has used its `budget` of choices. */
  sample(random: () => number, budget = 60): string {
    let left = budget;
    const pick = (count: number): number => {
      left -= 1;
      return Math.floor(random() * count);
    };
    const make = (node: Node): string => {
      switch (node.kind) {
        case 'text':
          return node.text;
        case 'rule':
          return make(this.#rule(node.name));
        case 'all':
          return node.parts.map(make).join('');
        case 'any': {
          const flat = node.options.toSorted((a, b) => this.#height(a) - this.#height(b))[0];
          const option = left <= 0 ? flat : node.options[pick(node.options.length)];
          return option ? make(option) : '';
        }
        case 'times': {
          const most = Math.min(node.most, node.least + 6);
          const count = left <= 0 ? node.least : node.least + pick(most - node.least + 1);
          return Array.from({ length: count }, () => make(node.part)).join('');
        }
        case 'set': {
          const ranges = node.isNegated ? inverted(node.ranges) : node.ranges;
          const [from, to] = ranges[pick(ranges.length)] ?? [0x20, 0x20];
          return String.fromCodePoint(from + pick(Math.min(to - from + 1, 200)));
        }
      }
    };
    return make(this.#rule('root'));
  }

  /** Whether the whole text is one that the grammar allows. */
  takes(text: string): boolean {
    const codes = Array.from(text);
    const known = new Map<Node, Map<number, ReadonlySet<number>>>();
    const ends = (node: Node, at: number): ReadonlySet<number> => {
      const before = known.get(node)?.get(at);
      if (before) return before;
      const found = this.#ends(node, at, codes, ends);
      known.set(node, (known.get(node) ?? new Map<number, ReadonlySet<number>>()).set(at, found));
      return found;
    };
    return ends(this.#rule('root'), 0).has(codes.length);
  }

  #ends(node: Node, at: number, codes: readonly string[], ends: (node: Node, at: number) => ReadonlySet<number>): ReadonlySet<number> {
    switch (node.kind) {
      case 'text': {
        const wanted = Array.from(node.text);
        return wanted.every((one, offset) => codes[at + offset] === one) ? new Set([at + wanted.length]) : new Set();
      }
      case 'set': {
        const code = codes[at]?.codePointAt(0);
        if (code === undefined) return new Set();
        return node.ranges.some(([from, to]) => code >= from && code <= to) === node.isNegated ? new Set() : new Set([at + 1]);
      }
      case 'rule':
        return ends(this.#rule(node.name), at);
      case 'any':
        return new Set(node.options.flatMap((option) => [...ends(option, at)]));
      case 'all':
        return node.parts.reduce<ReadonlySet<number>>(
          (from, part) => new Set([...from].flatMap((one) => [...ends(part, one)])),
          new Set([at]),
        );
      case 'times': {
        let [now, all] = [new Set([at]), new Set(node.least === 0 ? [at] : [])];
        for (let count = 1; count <= node.most && now.size > 0; count += 1) {
          now = new Set([...now].flatMap((one) => [...ends(node.part, one)]).filter((one) => count <= node.least || !all.has(one)));
          if (count >= node.least) all = new Set([...all, ...now]);
        }
        return all;
      }
    }
  }

  #rule(name: string): Node {
    const node = this.#rules.get(name);
    if (!node) throw new Error(`no rule ${name}`);
    return node;
  }

  #height(node: Node): number {
    switch (node.kind) {
      case 'text':
      case 'set':
        return 0;
      case 'rule':
        return this.#heights.get(node.name) ?? Number.POSITIVE_INFINITY;
      case 'all':
        return Math.max(0, ...node.parts.map((part) => this.#height(part)));
      case 'any':
        return Math.min(...node.options.map((option) => this.#height(option)));
      case 'times':
        return node.least === 0 ? 0 : this.#height(node.part);
    }
  }
}

function inverted(ranges: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const left: (readonly [number, number])[] = [];
  let next = 0;
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    if (from > next) left.push([next, from - 1]);
    next = to + 1;
  }
  return next <= lastCode ? [...left, [next, lastCode]] : left;
}
