import { isStreamError } from '../../src/errors.ts';
import { calculator } from '../../src/tools/calculator.ts';
import { runTool } from '../../src/tools/tool.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { type Comparison, compareWithPython } from './calculator/compare-with-python.ts';
import { functionErrors } from './calculator/function-errors.ts';
import { hostileExpressions } from './calculator/hostile-expressions.ts';

export const name = 'calculator';
export const summary =
  "10,000 random expressions against Python's own parser and arithmetic, functions against 100 digits, and what is meant to take long; seconds, Python 3.11 needed";

const mostMs = 1;
const mostUlps = 2;

export async function run({ say, signal, short }: ExperimentContext): Promise<ExperimentResult> {
  const count = short ? 1_000 : 10_000;
  const compared = compareWithPython(7, count);
  compared.wrong.slice(0, 20).forEach(say);
  signal.throwIfAborted();
  const errors = functionErrors(7, short ? 20 : 500);
  const worst = errors.reduce((a, b) => (b.ulps > a.ulps ? b : a));
  say(`units in the last place: ${errors.map((one) => `${one.name} ${one.ulps.toFixed(2)}`).join(', ')}`);
  signal.throwIfAborted();
  const hostile = await slowestOf(hostileExpressions, say);
  const measured: readonly Finding[] = [
    ...ofComparison(compared, count),
    {
      what: 'a function farthest from the true value',
      measured: `${worst.ulps.toFixed(2)} units in the last place, ${worst.name}(${worst.at})`,
      passes: `<= ${String(mostUlps)}`,
      pass: worst.ulps <= mostUlps,
    },
    {
      what: 'the slowest of what is meant to take long',
      measured: `${hostile.ms.toFixed(3)} ms, ${hostile.what}`,
      passes: `< ${String(mostMs)} ms`,
      pass: hostile.ms < mostMs && hostile.isRefusedOrComputed,
    },
  ];
  return { measured, pass: measured.every(({ pass }) => pass) };
}

function ofComparison({ compared, equal, close, refused, skipped, wrong, ms }: Comparison, count: number): readonly Finding[] {
  const sorted = ms.toSorted((a, b) => a - b);
  const [p99 = Infinity, max = Infinity] = [sorted[Math.floor(sorted.length * 0.99)], sorted.at(-1)];
  const most = `< ${String(mostMs)} ms`;
  return [
    {
      what: 'random expressions as Python says',
      measured: `${String(compared - wrong.length)} of ${String(compared)}; ${String(skipped)} more where a last digit decides`,
      passes: `all, ${String(count)}`,
      pass: wrong.length === 0 && compared === count,
    },
    { what: '… equal in each bit', measured: String(equal), passes: '>= half', pass: equal >= count / 2 },
    { what: "… within the error of a library's functions", measured: String(close), passes: '', pass: true },
    { what: '… refused by both', measured: String(refused), passes: '>= 5 %', pass: refused >= count / 20 },
    { what: 'time of one, 99 of 100', measured: `${p99.toFixed(3)} ms`, passes: most, pass: p99 < mostMs },
    { what: 'time of one, the slowest, best of three', measured: `${max.toFixed(3)} ms`, passes: most, pass: max < mostMs },
  ];
}

/** As a model would run them, schema and all; the best of three. */
async function slowestOf(expressions: Readonly<Record<string, string>>, say: (line: string) => void) {
  const calculate = calculator();
  let slowest = { what: '', ms: 0, isRefusedOrComputed: true };
  for (const [what, expression] of Object.entries(expressions)) {
    let [ms, said, isRight] = [Infinity, '', true];
    for (let time = 0; time < 3; time += 1) {
      const since = performance.now();
      const ended: unknown = await runTool(calculate, { expression }).then(
        ({ text }) => text,
        (error: unknown) => error,
      );
      ms = Math.min(ms, performance.now() - since);
      isRight = typeof ended === 'string' || (isStreamError(ended) && ended.code === 'tool_refused');
      said = typeof ended === 'string' ? ended : String(ended);
    }
    say(`${what}: ${ms.toFixed(3)} ms, ${said.slice(0, 100)}`);
    if (ms > slowest.ms || !isRight) slowest = { what, ms, isRefusedOrComputed: slowest.isRefusedOrComputed && isRight };
  }
  return slowest;
}
