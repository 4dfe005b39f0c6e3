import { schedule } from '../../../src/policies/schedule.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { atLeast, busyMs, endOf, type Piece, places, type Ran, runPieces, type RunOptions } from './pieces.ts';

const plain = (count: number): readonly Piece[] =>
  Array.from({ length: count }, (_, i): Piece => ({ topic: 'in', key: `k${String(i)}`, factor: 1, atMs: 0 }));

/** One in five, in turns that are not those of the slow calls: some of its own are slow. */
const isHot = (i: number): boolean => (i + Math.floor(i / 50)) % 5 === 0;

const mixed = (count: number): readonly Piece[] =>
  plain(count).map((piece, i) => ({ ...piece, factor: i % 50 === 7 ? 20 : 1, key: isHot(i) ? 'hot' : piece.key }));

const workOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { factor }) => sum + factor, 0);

/** Through a server that is never less than full. */
const idealMs = (work: number): number => (work * busyMs) / places;

/**
 * The share of the ideal for as long as a record waits: until the last call begins, with what had been done of the others by then.
 * From there on nothing can keep the server full, and how long the last calls are is chance.
 */
function ofIdeal(ran: readonly Ran[]): number {
  const untilMs = ran.reduce((last, { startedMs }) => Math.max(last, startedMs), 0);
  const done = ran.map(({ piece, startedMs, endedMs }) => piece.factor * Math.min(1, (untilMs - startedMs) / (endedMs - startedMs)));
  return idealMs(done.reduce((sum, one) => sum + one, 0)) / untilMs;
}

/**
 * The hot key's calls one after another, and nothing else that waits for anything. Whatever runs beside one of them makes it 2 ms
 * longer, so the sum is the same whether the others run all at once or spread over it, as long as they are not more than it has room for.
 */
function idealByKeyMs(pieces: readonly Piece[]): number {
  const hot = workOf(pieces.filter(({ key }) => key === 'hot'));
  const others = workOf(pieces) - hot;
  return Math.max(idealMs(workOf(pieces)), hot * 22 + others * 2);
}

export async function steady(count: number, options: RunOptions = {}): Promise<readonly Finding[]> {
  const ran = await runPieces(plain(count), options);
  return [atLeast(`${count.toLocaleString('en')} calls: of the ideal throughput`, ofIdeal(ran), 0.99)];
}

export async function slowCalls(count: number, options: RunOptions = {}): Promise<readonly Finding[]> {
  const ran = await runPieces(mixed(count), { ordering: 'none', ...options });
  return [atLeast('no order: of the ideal throughput', ofIdeal(ran), 0.99)];
}

export async function hotKey(count: number, options: RunOptions = {}): Promise<readonly Finding[]> {
  const pieces = mixed(count);
  const ran = await runPieces(pieces, options);
  const what = options.schedule ? 'the same with schedule()' : '20 % of the records on one key';
  return [
    atLeast(`${what}: of the ideal that key order allows`, idealByKeyMs(pieces) / endOf(ran), 0.95),
    { what: `${what}: inversions`, measured: String(inversions(ran)), passes: '0', pass: inversions(ran) === 0 },
  ];
}

/** Calls for the hot key that began before the one before them had ended, or out of turn. */
function inversions(ran: readonly Ran[]): number {
  let last = -1;
  return ran.filter(({ piece, startedMs, endedMs }) => {
    if (piece.key !== 'hot') return false;
    const early = startedMs < last;
    last = endedMs;
    return early;
  }).length;
}

const calls = (short: boolean): number => (short ? 2_000 : 20_000);

export async function runSteady({ short }: Pick<ExperimentContext, 'short'>): Promise<ExperimentResult> {
  return { measured: await steady(calls(short)), pass: true };
}

export async function runSlowCalls({ short }: Pick<ExperimentContext, 'short'>): Promise<ExperimentResult> {
  const count = calls(short);
  const measured = [...(await hotKey(count)), ...(await hotKey(count, { schedule: schedule() })), ...(await slowCalls(count))];
  return { measured, pass: true };
}
