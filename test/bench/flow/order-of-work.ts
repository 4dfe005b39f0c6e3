import { defer, finalize, type Observable } from 'rxjs';
import { mapConcurrent } from '../../../operators/index.ts';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { json } from '../../../src/codec/json.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { definePipeline, topic } from '../../../src/pipeline.ts';
import { schedule, type Schedule } from '../../../src/policies/schedule.ts';
import type { Ordering } from '../../../src/record/ordering.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { start } from '../../../src/runtime/start.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock, type VirtualClock } from '../../../src/virtual-clock.ts';
import type { ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { LoadedServer } from './loaded-server.ts';

export const name = 'order-of-work';
export const summary =
  'how full a server is kept, with and without order by key; shortest first; two tenants: whole pipelines in virtual time';

const places = 32;
const busyMs = 20 + 2 * places; // a call of a server that is full

/** One record: how long its call takes against an ordinary one, and when it comes. */
interface Piece {
  readonly topic: string;
  readonly key: string | null;
  readonly factor: number;
  readonly atMs: number;
}

interface Ran {
  readonly piece: Piece;
  readonly startedMs: number;
  readonly endedMs: number;
}

interface RunOptions {
  readonly ordering?: Ordering;
  readonly schedule?: Schedule<number>;
  readonly weights?: Readonly<Record<string, number>>;
  /** `loaded`: a call takes 20 ms and 2 ms for each that runs; `steady`: as long as on a full one, whatever runs. */
  readonly server: 'loaded' | 'steady';
  /** Stops then, whatever is left. @defaultValue when all is done */
  readonly untilMs?: number;
}

const index = json() as Codec<number>;

/** Runs all of it through a pipeline on the embedded broker; in the order in which the calls ended. */
async function runPieces(pieces: readonly Piece[], options: RunOptions): Promise<readonly Ran[]> {
  const clock = virtualClock(1_000_000);
  const startMs = clock.nowMs();
  const transport = memory({ clock, partitions: 4 });
  const topics = [...new Set(pieces.map((piece) => piece.topic))];
  await transport.createTopics(topics.map((one) => ({ name: one })));
  const append = (piece: Piece, i: number): void => {
    const key = piece.key === null ? null : Buffer.from(piece.key);
    transport.broker.append(piece.topic, piece.key === 'hot' ? 0 : i % 4, [{ key, value: index.encode(i), headers: [] }]);
  };
  for (const [i, piece] of pieces.entries()) {
    if (piece.atMs === 0) append(piece, i);
    else clock.schedule(piece.atMs, () => append(piece, i));
  }
  const ran: Ran[] = [];
  const request = requestsOf(clock, options.server);
  const pipeline = definePipeline({
    name,
    input: Object.fromEntries(topics.map((one) => [one, topic(one, index)])),
    deadLetter: 'stop',
    ordering: options.ordering ?? 'key',
    deadlineMs: 1e9,
    ...(options.weights && { weights: options.weights }),
    process: (source) =>
      source.pipe(
        mapConcurrent(
          (i) =>
            defer(() => {
              const piece = pieces[i] as Piece; // it was fed from there
              const startedMs = clock.nowMs() - startMs;
              return request(piece.factor).pipe(finalize(() => ran.push({ piece, startedMs, endedMs: clock.nowMs() - startMs })));
            }),
          { concurrency: places, ...(options.schedule && { schedule: options.schedule }) },
        ),
      ),
  });
  const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
  for (let ms = 0; ms < (options.untilMs ?? Infinity) && ran.length < pieces.length; ms += 1_000) await clock.advance(1_000);
  const seen = ran.slice();
  const drained = app.drain({ deadlineMs: 0 });
  await clock.advance(10_000);
  await drained;
  return seen;
}

function requestsOf(clock: VirtualClock, kind: RunOptions['server']): (factor: number) => Observable<number> {
  if (kind === 'steady')
    return (factor) =>
      call(async ({ signal }) => {
        await sleep(clock, busyMs * factor, signal);
        return 0;
      });
  let next = 1;
  const server = new LoadedServer({ clock, capacity: places, above: 'queues', factor: () => next });
  return (factor) => {
    next = factor; // no more calls than places: each begins as it is subscribed to
    return server.request();
  };
}

const slow = (i: number): number => (i % 50 === 7 ? 20 : 1);
const endOf = (ran: readonly Ran[]): number => ran.reduce((last, { endedMs }) => Math.max(last, endedMs), 0);
const workOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { factor }) => sum + factor, 0);
const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0;
const atLeast = (what: string, value: number, bound: number): Finding => ({
  what,
  measured: value.toFixed(3),
  passes: `>= ${String(bound)}`,
  pass: value >= bound,
});

/** Steady, and one call in 50 that is 20 times slower, with and without order. */
async function fullness(count: number): Promise<readonly Finding[]> {
  const plain = Array.from({ length: count }, (_, i): Piece => ({ topic: 'in', key: `k${String(i)}`, factor: 1, atMs: 0 }));
  const steady = await runPieces(plain, { server: 'loaded' });
  const mixed = plain.map((piece, i): Piece => ({ ...piece, factor: slow(i), key: i % 5 === 0 ? 'hot' : piece.key }));
  const free = await runPieces(mixed, { server: 'loaded', ordering: 'none' });
  // by when they were taken: a key's next record is not last again behind all that wait
  const keyed = await runPieces(mixed, { server: 'loaded', ordering: 'key', schedule: schedule() });
  const unscheduled = await runPieces(mixed, { server: 'loaded', ordering: 'key' });
  const ideal = (workOf(mixed) * busyMs) / places;
  // the hot key's calls follow each other; beside them the others, as long as there are any; then it is alone on the server
  const hot = workOf(mixed.filter(({ key }) => key === 'hot'));
  const others = ((workOf(mixed) - hot) * busyMs) / (places - 1);
  const idealByKey = others + Math.max(0, hot - others / busyMs) * 22;
  return [
    atLeast(`steady, ${String(count)} calls: of the ideal throughput`, (count * busyMs) / places / endOf(steady), 0.99),
    atLeast('1 call in 50 is 20 x slower, no order: of the ideal', ideal / endOf(free), 0.99),
    atLeast('the same, 20 % of records on one key: of the ideal that key order allows', idealByKey / endOf(keyed), 0.95),
    { what: 'the same without a schedule', measured: (idealByKey / endOf(unscheduled)).toFixed(3), passes: '', pass: true },
    { what: 'inversions', measured: String(inversions(keyed)), passes: '0', pass: inversions(keyed) === 0 },
  ];
}

/** Calls for the hot key that began before the one before them had ended. */
function inversions(ran: readonly Ran[]): number {
  let last = -1;
  let count = 0;
  for (const { startedMs, endedMs } of ran.filter(({ piece }) => piece.key === 'hot')) {
    if (startedMs < last) count += 1;
    last = endedMs;
  }
  return count;
}

const patienceMs = 20_000;

/** Calls of mixed lengths at 90 % load: shortest first against first come. */
async function lengths(count: number): Promise<readonly Finding[]> {
  const factors = [0.2, 0.2, 0.5, 0.5, 1, 1, 1, 6];
  const mean = factors.reduce((sum, one) => sum + one, 0) / factors.length;
  const gapMs = (busyMs * mean) / places / 0.95;
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let atMs = 1;
  const pieces = Array.from({ length: count }, (_, i): Piece => {
    atMs += -Math.log(1 - random()) * gapMs;
    return { topic: 'in', key: `k${String(i)}`, factor: factors[Math.floor(random() * factors.length)] ?? 1, atMs };
  });
  const tokens = (i: number): number => (pieces[i]?.factor ?? 1) * 500;
  const first = await runPieces(pieces, { server: 'steady' });
  const shortest = await runPieces(pieces, { server: 'steady', schedule: schedule({ order: 'shortest', tokensOf: tokens, patienceMs }) });
  const waits = (ran: readonly Ran[]): readonly number[] => ran.map(({ piece, startedMs }) => startedMs - piece.atMs);
  const meanOf = (all: readonly number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;
  const [before, after] = [waits(first), waits(shortest)];
  const passed = mostPassedBy(shortest);
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return [
    { what: 'first come: mean and longest wait', measured: `${ms(meanOf(before))}, ${ms(Math.max(...before))}`, passes: '', pass: true },
    {
      what: 'shortest first: mean wait',
      measured: ms(meanOf(after)),
      passes: `< ${ms(meanOf(before))}`,
      pass: meanOf(after) < meanOf(before),
    },
    { what: 'shortest first: longest wait', measured: ms(Math.max(...after)), passes: '', pass: true },
    {
      what: 'how much later one came that went first, at most',
      measured: ms(passed),
      passes: `<= ${ms(patienceMs)}`,
      pass: passed <= patienceMs,
    },
  ];
}

/** By how much a record that started before another came after it, at most. */
function mostPassedBy(ran: readonly Ran[]): number {
  const byStart = [...ran].sort((a, b) => b.startedMs - a.startedMs);
  let earliest = Infinity; // of those that started later
  let most = 0;
  for (const { piece } of byStart) {
    most = Math.max(most, piece.atMs - earliest);
    earliest = Math.min(earliest, piece.atMs);
  }
  return most;
}

/** Two tenants on topics of their own: one with ten times the load; then both with more than they can have. */
async function tenants(seconds: number): Promise<readonly Finding[]> {
  const perSecond = (1_000 * places) / busyMs;
  const load = (name: string, rate: number): Piece[] =>
    Array.from({ length: Math.floor(rate * seconds) }, (_, i) => ({
      topic: name,
      key: `${name}${String(i)}`,
      factor: 1,
      atMs: 1 + (i * 1_000) / rate,
    }));
  const small = load('small', perSecond * 0.15);
  const big = load('big', perSecond * 1.5);
  const untilMs = seconds * 1_000;
  const inTurns = (weights?: Readonly<Record<string, number>>): RunOptions => ({
    server: 'steady',
    untilMs,
    schedule: schedule({ tenants: weights ? { weights } : {} }),
    ...(weights && { weights }),
  });
  const alone = await runPieces(small, inTurns());
  const beside = await runPieces([...small, ...big], inTurns());
  const latency = (ran: readonly Ran[]): number =>
    quantile(
      ran.filter(({ piece }) => piece.topic === 'small').map(({ piece, endedMs }) => endedMs - piece.atMs),
      0.99,
    );
  const findings: Finding[] = [
    {
      what: 'p99 of the small tenant, beside one with 10 x its load, of that alone',
      measured: `${latency(beside).toFixed(0)} ms, ${latency(alone).toFixed(0)} ms`,
      passes: '<= 2 x',
      pass: latency(beside) <= 2 * latency(alone),
    },
  ];
  for (const weight of [1, 3]) {
    const weights = { small: weight, big: 1 };
    const ran = await runPieces([...load('small', perSecond * 1.1), ...load('big', perSecond * 11)], inTurns(weights));
    const late = ran.filter(({ startedMs }) => startedMs > untilMs / 4); // at first the small one has nothing that waits
    const share = late.filter(({ piece }) => piece.topic === 'small').length / late.length;
    const due = weight / (weight + 1);
    findings.push({
      what: `share of the small tenant of weight ${String(weight)} beside one of 1 with 10 x its load, both with too much`,
      measured: `${(100 * share).toFixed(1)} %`,
      passes: `${String(100 * due)} % ± 5 %`,
      pass: Math.abs(share / due - 1) <= 0.05,
    });
  }
  return findings;
}

/** In short, the last slow call weighs too much for the shares of the ideal to pass. */
export async function run({ short }: { readonly short: boolean }): Promise<ExperimentResult> {
  const [calls, mixed, seconds] = short ? [500, 1_000, 3] : [20_000, 20_000, 60];
  return { measured: [...(await fullness(calls)), ...(await lengths(mixed)), ...(await tenants(seconds))], pass: true };
}
