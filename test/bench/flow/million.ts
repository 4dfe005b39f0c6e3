import { Observable, type OperatorFunction } from 'rxjs';
import { type Envelope, openEnvelope, take } from '../../../src/record/envelope.ts';
import { Settlement } from '../../../src/record/lineage.ts';
import { testRun } from '../../../src/testing.ts';
import type { ExperimentContext, Finding } from '../../helpers/experiment.ts';

/** One way to do some work with so many values. */
export interface Way {
  /** Does it; the result is how much it holds afterwards: records, timers, places. */
  readonly work: (values: number) => number;
  /** RxJS's own way to do the same. */
  readonly against?: string;
  /** What is meant to be left. @defaultValue 0 */
  readonly open?: number;
}

/** Sends so many values through it, all at once, and settles what comes; then what is left to do. The result: records left open. */
export function through(
  operator: OperatorFunction<Envelope<number>, Envelope<unknown>>,
  values: number,
  then = (): void => undefined,
): number {
  const { run } = testRun();
  let settled = 0;
  const observer = { handed: () => undefined, decided: () => void (settled += 1) };
  const source = new Observable<Envelope<number>>((out) => {
    for (let value = 0; value < values; value += 1) {
      const position = { topic: 'bench', partition: 0, offset: BigInt(value), epoch: 1 };
      const settlement = new Settlement(position, 600_000, run, observer);
      out.next(openEnvelope({ value, key: null, rawKey: null, headers: [], timestampMs: 0, position }, settlement));
    }
    out.complete();
  });
  source.pipe(operator).subscribe({
    next: (envelope) => {
      const { part } = take(envelope);
      part.handed();
      part.settle('done', { topic: 'out', partition: 0, offset: 0n });
    },
    error: (error: unknown) => {
      throw error;
    },
  });
  then();
  return values - settled;
}

interface Seen {
  /** Microseconds of CPU for each of a tenth as many: the best of some rounds in which the ways take turns. */
  readonly tenth: number;
  /** And of all; tried again where it does not look linear. */
  readonly whole: number;
  readonly left: number;
}

const { rounds, enoughUs } = { rounds: { least: 3, most: 12 }, enoughUs: 1_000_000 };

/** By the CPU's time, V8's own threads included: how long it takes also depends on what else the machine does. */
function timed(work: Way['work'], values: number): { readonly us: number; readonly left: number } {
  const before = process.cpuUsage();
  const left = work(values);
  const { user, system } = process.cpuUsage(before);
  return { us: user + system, left };
}

export function race(ways: Readonly<Record<string, Way>>, { short, say }: Pick<ExperimentContext, 'short' | 'say'>): readonly Finding[] {
  const values = short ? 50_000 : 1_000_000;
  const tenths = tenthsOf(ways, values / 10);
  return Object.entries(ways).flatMap(([name, way]) => {
    const tenth = tenths.get(name) ?? Infinity;
    let [whole, left] = [Infinity, 0];
    for (let round = 0; round < (short ? 1 : rounds.least) && whole > 2 * tenth; round += 1) {
      const one = timed(way.work, values);
      whole = Math.min(whole, one.us / values);
      left = Math.max(left, one.left);
    }
    say(`  ${name}: ${whole.toFixed(2)} µs for each of ${values.toLocaleString('en')}`);
    return judged(name, way, { tenth, whole, left }, { short, reference: tenths.get(way.against ?? '') });
  });
}

/** What takes little is done more often, until it is sure. */
function tenthsOf(ways: Readonly<Record<string, Way>>, values: number): ReadonlyMap<string, number> {
  const best = new Map<string, number>();
  const spent = new Map<string, number>();
  for (let round = 0; round < rounds.most; round += 1) {
    for (const [name, { work }] of Object.entries(ways)) {
      const before = spent.get(name) ?? 0;
      if (round >= rounds.least && before > enoughUs) continue;
      const { us } = timed(work, values);
      spent.set(name, before + us);
      if (round > 0) best.set(name, Math.min(best.get(name) ?? Infinity, us / values)); // in the first one V8 compiles
    }
  }
  return best;
}

/** In short the times only tell: of so few values, what else the machine does is too much. */
function judged(
  name: string,
  { against, open = 0 }: Way,
  { tenth, whole, left }: Seen,
  { short, reference }: { readonly short: boolean; readonly reference: number | undefined },
): readonly Finding[] {
  const times = tenth / (reference ?? tenth);
  return [
    {
      what: `${name}: for each`,
      measured: `${tenth.toFixed(2)} µs${reference === undefined ? '' : `, ${times.toFixed(2)} x`}`,
      passes: reference === undefined ? '' : `<= 2 x ${String(against)}`,
      pass: short || times <= 2,
    },
    {
      what: `${name}: for each of ten times as many`,
      measured: `${whole.toFixed(2)} µs`,
      passes: 'linear: <= 2 x',
      pass: short || whole <= 2 * tenth,
    },
    { what: `${name}: left behind`, measured: String(left), passes: String(open), pass: left === open },
  ];
}
