import { defer, finalize, type Observable } from 'rxjs';
import { mapConcurrent } from '../../../operators/index.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { json } from '../../../src/codec/json.ts';
import { definePipeline, topic } from '../../../src/pipeline.ts';
import type { Schedule } from '../../../src/policies/schedule.ts';
import type { Ordering } from '../../../src/record/ordering.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { start } from '../../../src/runtime/start.ts';
import { memory, type MemoryTransport } from '../../../src/transport/memory/memory.ts';
import { virtualClock, type VirtualClock } from '../../../src/virtual-clock.ts';
import type { Finding } from '../../helpers/experiment.ts';
import { LoadedServer } from './loaded-server.ts';

/** Requests that the server runs at once. */
export const places = 32;
/** A call of a server that is full. */
export const busyMs = 20 + 2 * places;

/** One record: how long its call takes against an ordinary one, and when it comes. */
export interface Piece {
  readonly topic: string;
  readonly key: string;
  readonly factor: number;
  readonly atMs: number;
}

/** A call: one that `untilMs` cut off has an end, too. */
export interface Ran {
  readonly piece: Piece;
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface RunOptions {
  /** @defaultValue 'key' */
  readonly ordering?: Ordering;
  readonly schedule?: Schedule<number>;
  readonly weights?: Readonly<Record<string, number>>;
  /** @defaultValue as many as the server runs */
  readonly concurrency?: number;
  /**
   * `loaded`: a call takes 20 ms and 2 ms for each that runs; `even`: as long as on a full one, whatever runs, so that of two runs only
   * their order makes a difference. @defaultValue 'loaded'
   */
  readonly server?: 'loaded' | 'even';
  /** Stops then, whatever is left. @defaultValue when all is done */
  readonly untilMs?: number;
}

const arrivalsEveryMs = 5;

/** When it comes: records arrive in fetches, and each arrival of its own would be most of a run's cost. */
export const arrival = (ms: number): number => Math.ceil(ms / arrivalsEveryMs) * arrivalsEveryMs;

/** Numbers from 0 to 1, the same each time. */
export function seeded(seed: number): () => number {
  return () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
}

const index = json() as Codec<number>;

/** Runs all of it through a pipeline on the embedded broker; in the order in which the calls ended. */
export async function runPieces(pieces: readonly Piece[], options: RunOptions = {}): Promise<readonly Ran[]> {
  const { ordering = 'key', concurrency = places, weights, schedule, untilMs = Infinity } = options;
  const clock = virtualClock(1_000_000);
  const startMs = clock.nowMs();
  const transport = memory({ clock, partitions: 4 });
  const topics = [...new Set(pieces.map((piece) => piece.topic))];
  await transport.createTopics(topics.map((one) => ({ name: one })));
  feed(transport, clock, pieces);
  const ran: Ran[] = [];
  const request = requestsOf(clock, options.server ?? 'loaded');
  const timed = (i: number): Observable<number> =>
    defer(() => {
      const piece = pieces[i] as Piece; // it was fed from there
      const startedMs = clock.nowMs() - startMs;
      return request(piece.factor).pipe(finalize(() => ran.push({ piece, startedMs, endedMs: clock.nowMs() - startMs })));
    });
  const pipeline = definePipeline({
    name: 'flow',
    input: Object.fromEntries(topics.map((one) => [one, topic(one, index)])),
    deadLetter: 'stop',
    ordering,
    deadlineMs: 1e9,
    ...(weights && { weights }),
    process: (source) => source.pipe(mapConcurrent(timed, { concurrency, ...(schedule && { schedule }) })),
  });
  const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
  for (let ms = 0; ms < untilMs && ran.length < pieces.length; ms += 1_000) await clock.advance(1_000);
  const seen = ran.slice();
  const drained = app.drain({ deadlineMs: 0 });
  await clock.advance(10_000);
  await drained;
  return seen;
}

/** One timer at a time: hundreds of thousands that wait would make each other slow. */
function feed(transport: MemoryTransport, clock: VirtualClock, pieces: readonly Piece[]): void {
  const startMs = clock.nowMs();
  const order = pieces.map((_, i) => i).sort((a, b) => (pieces[a]?.atMs ?? 0) - (pieces[b]?.atMs ?? 0));
  let fed = 0;
  const due = (): void => {
    for (let piece = next(); piece && piece.atMs <= clock.nowMs() - startMs; piece = next()) {
      const i = order[fed] ?? 0;
      const partition = piece.key === 'hot' ? 0 : i % 4;
      transport.broker.append(piece.topic, partition, [{ key: Buffer.from(piece.key), value: index.encode(i), headers: [] }]);
      fed += 1;
    }
    const later = next();
    if (later) clock.schedule(later.atMs - (clock.nowMs() - startMs), due);
  };
  const next = (): Piece | undefined => pieces[order[fed] ?? -1];
  due();
}

function requestsOf(clock: VirtualClock, kind: 'loaded' | 'even'): (factor: number) => Observable<number> {
  let next = 1;
  const server = new LoadedServer({ clock, capacity: places, above: 'queues', factor: () => next });
  return (factor) => {
    next = kind === 'loaded' ? factor : (factor * busyMs) / (20 + 2 * (server.running + 1));
    return server.request(); // no more calls than places: each begins as it is subscribed to
  };
}

export const endOf = (ran: readonly Ran[]): number => ran.reduce((last, { endedMs }) => Math.max(last, endedMs), 0);

export const meanOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

export const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0;

export const atLeast = (what: string, value: number, bound: number): Finding => ({
  what,
  measured: value.toFixed(3),
  passes: `>= ${String(bound)}`,
  pass: value >= bound,
});

/** A figure that is held against nothing. */
export const tells = (what: string, measured: string): Finding => ({ what, measured, passes: '', pass: true });
