/** An expression of up to `depth` levels, each kind of part among them, with parentheses where they matter and where they do not. */
export function randomExpression(random: () => number, depth: number): string {
  const pick = <T>(all: readonly [T, ...T[]]): T => all[Math.floor(random() * all.length)] ?? all[0];
  const part = (): string => randomExpression(random, depth - 1);
  const space = (): string => (random() < 0.3 ? ' ' : '');
  if (depth <= 0 || random() < 0.15) {
    const number = pick([
      () => String(Math.floor(random() * 12)),
      () => String(Math.floor(random() * 1e6)),
      () => (random() * 10).toFixed(3),
      () => `${String(Math.floor(random() * 9))}.5e${String(Math.floor(random() * 6) - 3)}`,
    ]);
    return random() < 0.06 ? pick(['pi', 'e', 'tau']) : number();
  }
  const form = random();
  if (form < 0.12) return `${pick(['-', '+'])}${part()}`;
  if (form < 0.28) return `(${part()})`;
  if (form < 0.4) return `${part()}${space()}${pick(['^', '**'])}${space()}${random() < 0.7 ? String(Math.floor(random() * 4)) : part()}`;
  if (form < 0.55) {
    const one = pick(['abs', 'sqrt', 'exp', 'ln', 'log10', 'sin', 'cos', 'atan', 'floor', 'ceil', 'trunc', 'round', 'degrees']);
    return `${one}(${space()}${part()})`;
  }
  if (form < 0.62) return `${pick(['min', 'max', 'sum', 'hypot', 'atan2', 'pow'])}(${part()},${space()}${part()})`;
  if (form < 0.66) return `${pick(['gcd', 'comb', 'perm'])}(${String(Math.floor(random() * 60))}, ${String(Math.floor(random() * 60))})`;
  return `${part()}${space()}${pick(['+', '-', '*', '/', '//', '%', '+', '-', '*'])}${space()}${part()}`;
}
