import { schedule, type ScheduleOptions } from '../../../src/policies/schedule.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { arrival, busyMs, meanOf, type Piece, places, type Ran, runPieces, seeded, tells } from './pieces.ts';

const factors = [0.2, 0.2, 0.5, 0.5, 1, 1, 1, 6];
const tokensOf = (factor: number): number => factor * 500;
const patienceMs = 3_000;
const msPerToken = 1; // the longest call lets others pass for all of it
const roundMs = 10_000;
const rushMs = 3_000;

/** At 70 % of what the server can do, and in a rush of 3 s of each 10 at twice that. */
function arrivals(count: number): readonly Piece[] {
  const random = seeded(7);
  const gapMs = (busyMs * meanOf(factors)) / places / 0.7;
  let atMs = 1;
  return Array.from({ length: count }, (_, i): Piece => {
    atMs += (-Math.log(1 - random()) * gapMs) / (atMs % roundMs < rushMs ? 2 : 1);
    return { topic: 'in', key: `k${String(i)}`, factor: factors[Math.floor(random() * factors.length)] ?? 1, atMs: arrival(atMs) };
  });
}

const waitsOf = (ran: readonly Ran[]): readonly number[] => ran.map(({ piece, startedMs }) => startedMs - piece.atMs);
const longest = (values: readonly number[]): number => values.reduce((most, one) => Math.max(most, one), 0);
const ms = (value: number): string => `${value.toFixed(0)} ms`;

/** @param own of the schedule; the bound stays. */
export async function lengths(count: number, own: ScheduleOptions<number> = { patienceMs, msPerToken }): Promise<readonly Finding[]> {
  const pieces = arrivals(count);
  const shortest = schedule<number>({ order: 'shortest', tokensOf: (i) => tokensOf(pieces[i]?.factor ?? 1), ...own });
  const inTurn = await runPieces(pieces);
  const byLength = await runPieces(pieces, { schedule: shortest });
  const [before, after] = [waitsOf(inTurn), waitsOf(byLength)];
  const passed = mostPassedBy(byLength);
  const bound = longest(before) + patienceMs;
  return [
    tells('first come: mean and longest wait', `${ms(meanOf(before))}, ${ms(longest(before))}`),
    {
      what: 'shortest first: mean wait',
      measured: ms(meanOf(after)),
      passes: `< ${ms(meanOf(before))}`,
      pass: meanOf(after) < meanOf(before),
    },
    {
      what: 'shortest first: longest wait; in its bound, what first come makes of it and patienceMs',
      measured: ms(longest(after)),
      passes: `<= ${ms(bound)}`,
      pass: longest(after) <= bound,
    },
    {
      what: 'how much later one came that went first, at most; the stated bound is patienceMs',
      measured: ms(passed),
      passes: `<= ${ms(patienceMs)}`,
      pass: passed <= patienceMs,
    },
  ];
}

/** By how much a record that started before another came after it, at most. */
function mostPassedBy(ran: readonly Ran[]): number {
  const lastFirst = [...ran].sort((a, b) => b.startedMs - a.startedMs);
  let earliest = Infinity; // of those that started later
  let most = 0;
  for (const { piece } of lastFirst) {
    most = Math.max(most, piece.atMs - earliest);
    earliest = Math.min(earliest, piece.atMs);
  }
  return most;
}

export async function run({ short }: Pick<ExperimentContext, 'short'>): Promise<ExperimentResult> {
  return { measured: await lengths(short ? 4_000 : 20_000), pass: true };
}
