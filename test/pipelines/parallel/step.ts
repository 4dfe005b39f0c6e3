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
  // what a step can do with the channel that its result goes through
  forge: () => {
    for (const message of [null, 'x', { id: 0, error: null }, { id: 'x', result: 1 }, { id: -1, result: 1 }]) process.send?.(message);
    return 'done';
  },
  print: () => {
    process.stdout.write('printed by a step\n');
    return 'done';
  },
  uncopied: () => () => undefined,
  context: (_, context) => context,
  environment: () => Object.keys(process.env),
};

export function run(input: { readonly do: string; readonly n: number }, context: unknown): unknown {
  seen += 1;
  return steps[input.do]?.(input.n, context);
}
