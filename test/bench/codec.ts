import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { type Way, ways } from './codec/work.ts';

export const name = 'codec';
export const summary =
  'records/s and MB/s of json and avro, plain and framed, against bare JSON and bare avsc in turns; 1 minute, --short 10 s';

const records = 500;
const leastShare = 0.9;
const warmUps = 40;
type Direction = 'decode' | 'encode';

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** CPU time, which what runs beside it disturbs less than the clock's. */
function timed(way: Way, direction: Direction, times: number): number {
  const before = cpuMs();
  for (let i = 0; i < times; i += 1) way[direction]();
  return (cpuMs() - before) / times;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export async function run({ short, say, signal }: ExperimentContext): Promise<ExperimentResult> {
  const { all: list, judged } = await ways(records);
  const rounds = short ? 25 : 150;
  const measured: Finding[] = [];
  for (const direction of ['decode', 'encode'] as const) {
    for (const way of list) timed(way, direction, warmUps);
    const seen = new Map<Way, number[]>(list.map((way) => [way, []]));
    for (let round = 0; round < rounds && !signal.aborted; round += 1)
      // in one order and the other, each beginning in turn, so that none always has the other's garbage
      for (let i = 0; i < list.length; i += 1) {
        const place = round % 2 === 0 ? i + round : 2 * list.length - 1 - i + (round % list.length);
        const way = list[place % list.length] as Way;
        timed(way, direction, 1);
        seen.get(way)?.push(timed(way, direction, 8));
      }
    const of = (way: Way): readonly number[] => seen.get(way) ?? [];
    for (const way of list) {
      const ms = median(of(way));
      const base = way.against;
      const share = base && median(of(base).map((one, i) => one / (of(way)[i] ?? Number.NaN)));
      const isJudged = direction === 'decode' && judged.has(way);
      measured.push({
        what: `${direction}: ${way.name}`,
        measured: `${Math.round(way.records / ms).toLocaleString('en')} thousand records/s, ${(way.bytes / ms / 1_000).toFixed(0)} MB/s${base && share !== undefined ? `, ${share.toFixed(2)} of ${base.name}` : ''}`,
        passes: isJudged ? `>= ${String(leastShare)}` : '',
        pass: !isJudged || (share !== undefined && share >= leastShare),
      });
    }
    say(`${direction} is measured`);
  }
  return { measured, pass: true };
}
