/** Steps that run apart, by what the input says. */
let seen = 0;

const steps: Readonly<Record<string, (n: number, context: unknown) => unknown>> = {
  double: (n) => n * 2,
  throw: () => {
    throw new TypeError('not like this');
  },
  loop: () => {
    for (;;) seen += 0;
  },
  exit: () => process.exit(3),
  memory: () => {
    const held: unknown[] = [];
    for (;;) held.push(Array.from({ length: 10_000 }, () => ({})));
  },
  seen: () => seen,
  context: (_, context) => context,
  environment: () => Object.keys(process.env),
};

export function run(input: { readonly do: string; readonly n: number }, context: unknown): unknown {
  seen += 1;
  return steps[input.do]?.(input.n, context);
}
