import { spawnSync } from 'node:child_process';
import { isStreamError } from '../../../src/errors.ts';
import { seededRandom } from '../../../src/inference/scripted/seeded-random.ts';
import { formatValue } from '../../../src/tools/internal/calculator/arithmetic.ts';
import { evaluate } from '../../../src/tools/internal/calculator/evaluate.ts';
import { randomExpression } from './random-expression.ts';

const python = 'python3';
const longest = 1_000;
const depth = 4;

/** Python 3.11: the first with a cube root. */
export const canCompare = spawnSync(python, ['-c', 'import math; math.cbrt']).status === 0;

export interface Comparison {
  readonly compared: number;
  /** Whole numbers that are equal, and doubles that are equal in each bit, as they must be where each step is rounded once. */
  readonly equal: number;
  /** Doubles through functions of a library, within the error of those. */
  readonly close: number;
  /** Refused here and there. */
  readonly refused: number;
  /** A function's last digit decided. */
  readonly skipped: number;
  readonly wrong: readonly string[];
  /** The quickest of three for each expression. */
  readonly ms: readonly number[];
}

/** `count` random expressions, those left out aside, against Python's own parser and arithmetic. */
export function compareWithPython(seed: number, count: number): Comparison {
  const random = seededRandom(seed);
  const drawn = Array.from({ length: Math.ceil(count * 1.5) + 20 }, () => randomExpression(random, depth)).filter(
    ({ ours }) => ours.length <= longest,
  );
  const answer = spawnSync(python, ['-W', 'ignore', `${import.meta.dirname}/expression-reference.py`], {
    input: drawn.map((one) => one.python).join('\n'),
    maxBuffer: 2 ** 28,
  });
  const expected = answer.stdout.toString().trimEnd().split('\n');
  if (expected.length !== drawn.length) throw new Error(`the reference failed: ${answer.stderr.toString().slice(-500)}`);
  const tally = { equal: 0, close: 0, refused: 0, skipped: 0 };
  const [wrong, ms]: [string[], number[]] = [[], []];
  let compared = 0;
  for (const [at, { ours }] of drawn.entries()) {
    if (compared === count) break;
    const kind = kindOf(ours, expected[at] ?? '');
    ms.push(quickest(ours));
    if (kind === undefined) wrong.push(`${ours} is ${shown(ours)}; Python: ${expected[at] ?? ''}`);
    else tally[kind] += 1;
    if (kind !== 'skipped') compared += 1;
  }
  return { ...tally, compared, wrong, ms };
}

function kindOf(text: string, expected: string): 'equal' | 'close' | 'refused' | 'skipped' | undefined {
  const got = attempt(text);
  if (got instanceof Error && !(isStreamError(got) && got.code === 'tool_refused' && / at character \d+$/.test(got.message)))
    return undefined;
  if (expected === 'skip') return 'skipped';
  if (expected === 'error' || got instanceof Error) return expected === 'error' && got instanceof Error ? 'refused' : undefined;
  const [value = '', error = ''] = expected.split(' ');
  const isWhole = /^-?\d+$/.test(value);
  if (isWhole !== (typeof got === 'bigint') || Number(formatValue(got)) !== Number(got)) return undefined;
  if (isWhole ? String(got) === value : Number(got) === Number(value)) return 'equal';
  return Math.abs(Number(got) - Number(value)) <= Number(error) ? 'close' : undefined;
}

function attempt(text: string): bigint | number | Error {
  try {
    return evaluate(text);
  } catch (error) {
    return error as Error;
  }
}

const shown = (text: string): string => {
  const got = attempt(text);
  return got instanceof Error ? got.message : `${formatValue(got)} (${typeof got})`;
};

export function quickest(text: string): number {
  let best = Infinity;
  for (let time = 0; time < 3; time += 1) {
    const since = performance.now();
    attempt(text);
    best = Math.min(best, performance.now() - since);
  }
  return best;
}
