/** One expression in two spellings: ours, and the one that Python's own parser reads, where `!` is a function and signs are plain. */
export interface Spelled {
  readonly ours: string;
  readonly python: string;
}

const alike = (text: string): Spelled => ({ ours: text, python: text });
const around = (parts: readonly Spelled[], build: (...texts: readonly string[]) => string): Spelled => ({
  ours: build(...parts.map(({ ours }) => ours)),
  python: build(...parts.map(({ python }) => python)),
});

const ones = [
  ...[
    'abs',
    'sign',
    'sqrt',
    'cbrt',
    'exp',
    'ln',
    'log',
    'log10',
    'log2',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'sinh',
    'cosh',
    'tanh',
  ],
  ...['degrees', 'radians', 'floor', 'ceil', 'trunc', 'round', 'factorial', 'min', 'max', 'sum', 'mean', 'gcd', 'lcm', 'hypot', 'product'],
] as const;
const twos = [
  'log',
  'atan2',
  'round',
  'mod',
  'pow',
  'min',
  'max',
  'sum',
  'mean',
  'gcd',
  'lcm',
  'hypot',
  'product',
  'comb',
  'perm',
] as const;
const typographic = { '*': ['×', '·'], '/': ['÷'], '-': ['−'] } as const;

/**
 * An expression of up to `depth` levels with each kind of part among them: numbers in all forms, signs, operators, functions, constants, parentheses where they matter and where they do not. One in eight is damaged: a character
 * more, less or in another place.
 */
export function randomExpression(random: () => number, depth: number): Spelled {
  const whole = new Grammar(random).expression(depth);
  return random() < 0.125 ? damaged(whole, random) : whole;
}

class Grammar {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  expression(depth: number): Spelled {
    if (depth <= 0 || this.#random() < 0.15) return this.#random() < 0.08 ? this.#constant() : alike(this.#number());
    const part = (): Spelled => this.expression(depth - 1);
    const form = this.#random();
    if (form < 0.12) return this.#sign('-+', part());
    if (form < 0.25) return around([part()], (one = '') => `(${one})`);
    if (form < 0.36) return this.#power(part(), this.#random() < 0.7 ? alike(String(this.#below(4))) : part());
    if (form < 0.42) return this.#factorial(depth);
    if (form < 0.56) return this.#call(this.#pick(ones), [part()]);
    if (form < 0.66) return this.#call(this.#pick(twos), [part(), part()]);
    if (form < 0.7) return this.#call(this.#pick(['gcd', 'lcm', 'comb', 'perm']), [alike(this.#whole()), alike(this.#whole())]);
    if (form < 0.72) return this.#call(this.#pick(['min', 'max', 'sum', 'mean', 'hypot', 'product']), [part(), part(), part(), part()]);
    return this.#operator(part(), part());
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #pick<T>(all: readonly [T, ...T[]]): T {
    return all[this.#below(all.length)] ?? all[0];
  }

  #space(): string {
    return this.#pick(['', '', '', ' ', '  ']);
  }

  #whole(): string {
    return this.#pick([() => String(this.#below(60)), () => String(this.#below(3_000)), () => String(this.#below(1e15))])();
  }

  #number(): string {
    const digits = (count: number): string =>
      Array.from({ length: count }, (_, at) => String(at === 0 ? 1 + this.#below(9) : this.#below(10))).join('');
    return this.#pick([
      () => String(this.#below(12)),
      () => String(this.#below(1e6)),
      () => (this.#random() * 10).toFixed(3),
      () => `${String(this.#below(9))}.5${this.#pick(['e', 'E'])}${this.#pick(['', '+', '-'])}${String(this.#below(6))}`,
      () => `.${digits(3)}`,
      () => `${digits(2)}.`,
      () => String(this.#random()),
      () => digits(18 + this.#below(30)),
      () => `${digits(17)}e${String(this.#below(600) - 300)}`,
    ])();
  }

  #constant(): Spelled {
    return this.#pick([
      alike('pi'),
      alike('e'),
      alike('tau'),
      { ours: 'π', python: 'pi' },
      { ours: 'PI', python: 'pi' },
      { ours: 'τ', python: 'tau' },
    ]);
  }

  #sign(signs: string, { ours, python }: Spelled): Spelled {
    const sign = signs[this.#below(signs.length)] ?? '-';
    return { ours: `${this.#typed(sign)}${ours}`, python: `${sign}${python}` };
  }

  #typed(sign: string): string {
    const others = sign in typographic ? typographic[sign as keyof typeof typographic] : [];
    return this.#random() < 0.1 ? (others[this.#below(others.length)] ?? sign) : sign;
  }

  #power(base: Spelled, exponent: Spelled): Spelled {
    const [before, sign, behind] = [this.#space(), this.#pick(['^', '**']), this.#space()];
    return {
      ours: `${base.ours}${before}${sign}${behind}${exponent.ours}`,
      python: `${base.python}${before}**${behind}${exponent.python}`,
    };
  }

  /** Of what needs no parentheses, and of what has them. */
  #factorial(depth: number): Spelled {
    const small = String(this.#below(this.#random() < 0.9 ? 12 : 600));
    const { ours, python } = this.#random() < 0.7 ? alike(small) : around([this.expression(depth - 1)], (one = '') => `(${one})`);
    return { ours: `${ours}${this.#space()}!`, python: `factorial(${python})` };
  }

  #call(name: string, given: readonly Spelled[]): Spelled {
    const between = this.#space();
    const { ours, python } = around(given, (...texts) => `(${between}${texts.join(`,${between}`)})`);
    return { ours: `${this.#random() < 0.05 ? name.toUpperCase() : name}${ours}`, python: `${name}${python}` };
  }

  #operator(left: Spelled, right: Spelled): Spelled {
    const [before, sign, behind] = [this.#space(), this.#pick(['+', '-', '*', '/', '//', '%', '+', '-', '*']), this.#space()];
    return {
      ours: `${left.ours}${before}${this.#typed(sign)}${behind}${right.ours}`,
      python: `${left.python}${before}${sign}${behind}${right.python}`,
    };
  }
}

const put = Array.from('0123456789.+-*/%^(), e~&|<=@$[{:;?ßx');

/** What is left may still be an expression, and another one; there are no factorials in it, which Python does not write so. */
function damaged({ python }: Spelled, random: () => number): Spelled {
  const at = Math.floor(random() * python.length);
  const [before, there, behind] = [python.slice(0, at), python.slice(at, at + 1), python.slice(at + 1)];
  const other = put[Math.floor(random() * put.length)] ?? '(';
  const form = random();
  const broken = form < 0.4 ? `${before}${behind}` : form < 0.7 ? `${before}${other}${behind}` : `${before}${other}${there}${behind}`;
  // a zero before a number is no mistake here, and one in Python
  const text = broken.replaceAll(/(?<![\d.\w])0+(?=\d)/g, '');
  return { ours: text, python: text.replaceAll('^', '**') };
}
