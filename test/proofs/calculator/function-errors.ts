import { spawnSync } from 'node:child_process';
import { seededRandom } from '../../../src/inference/scripted/seeded-random.ts';
import { evaluate } from '../../../src/tools/internal/calculator/evaluate.ts';

export interface FunctionError {
  readonly name: string;
  /** Units in the last place from the true value, at worst. */
  readonly ulps: number;
  readonly at: string;
}

type Draw = (random: () => number) => readonly number[];

const spread =
  (from: number, to: number): Draw =>
  (random) => [from + (to - from) * random()];
/** Of all sizes, by their exponents. */
const sizes =
  (from: number, to: number): Draw =>
  (random) => [(1 + random()) * 10 ** (from + (to - from) * random())];
const both =
  (x: Draw, y: Draw): Draw =>
  (random) => [...x(random), ...y(random)];
const signed =
  (draw: Draw): Draw =>
  (random) =>
    draw(random).map((x) => (random() < 0.5 ? -x : x));

const draws: Readonly<Record<string, readonly Draw[]>> = {
  sqrt: [sizes(-300, 300)],
  cbrt: [signed(sizes(-300, 300))],
  exp: [spread(-700, 700), spread(-1, 1)],
  ln: [sizes(-300, 300), spread(0.5, 2)],
  log10: [sizes(-300, 300), spread(0.5, 2)],
  log2: [sizes(-300, 300), spread(0.5, 2)],
  sin: [spread(-10, 10), signed(sizes(-10, 15))],
  cos: [spread(-10, 10), signed(sizes(-10, 15))],
  tan: [spread(-10, 10), signed(sizes(-10, 15))],
  asin: [spread(-1, 1), signed(sizes(-10, -1))],
  acos: [spread(-1, 1), signed(sizes(-10, -1))],
  atan: [signed(sizes(-10, 10))],
  atan2: [both(signed(sizes(-5, 5)), signed(sizes(-5, 5)))],
  sinh: [spread(-20, 20), signed(sizes(-10, 2))],
  cosh: [spread(-20, 20), signed(sizes(-10, 2))],
  tanh: [spread(-20, 20), signed(sizes(-10, 0))],
  hypot: [both(signed(sizes(-5, 5)), signed(sizes(-5, 5)))],
  pow: [both(sizes(-3, 3), spread(-30, 30)), both(spread(0.9, 1.1), spread(-1_000, 1_000))],
  log: [both(sizes(-5, 5), spread(2, 20))],
  degrees: [spread(-100, 100)],
  radians: [spread(-1_000, 1_000)],
};

/** Each function that a library computes, at `count` random places of each kind. */
export function functionErrors(seed: number, count: number): readonly FunctionError[] {
  const random = seededRandom(seed);
  const lines: string[] = [];
  for (const [name, kinds] of Object.entries(draws)) {
    for (const draw of kinds) {
      for (let i = 0; i < count; i += 1) {
        const given = draw(random);
        lines.push([name, ...given, Number(evaluate(`${name}(${given.join(', ')})`))].join(' '));
      }
    }
  }
  const answer = spawnSync('python3', [`${import.meta.dirname}/function-errors.py`], { input: lines.join('\n'), maxBuffer: 2 ** 24 });
  const found = answer.stdout.toString().trimEnd().split('\n');
  if (found.length !== Object.keys(draws).length) throw new Error(`the reference failed: ${answer.stderr.toString().slice(-500)}`);
  return found.map((line) => {
    const [name = '', ulps = '', ...at] = line.split(' ');
    return { name, ulps: Number(ulps), at: at.join(', ') };
  });
}
