import { defer, map, type Observable } from 'rxjs';
import { mapConcurrent, retryWithBackoff, withBreaker } from '../../../operators/index.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { json } from '../../../src/codec/json.ts';
import { InferenceError } from '../../../src/errors.ts';
import { definePipeline, topic } from '../../../src/pipeline.ts';
import { circuitBreaker } from '../../../src/policies/circuit-breaker.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { start } from '../../../src/runtime/start.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { LoadedServer } from './loaded-server.ts';
import { busyMs, places, seeded, tells } from './pieces.ts';

const beforeMs = 5_000;
const outageMs = 30_000;
const afterMs = 20_000;
const overMs = beforeMs + outageMs;

/** What one call is kept from by; a test takes it away. */
export type Guard = (call: Observable<number>) => Observable<number>;

interface MadeCall {
  readonly record: number;
  readonly atMs: number;
  readonly isRetry: boolean;
  endedMs: number | undefined;
}

interface Outage {
  readonly calls: readonly MadeCall[];
  readonly letters: number;
  readonly isHeld: boolean;
}

const index = json() as Codec<number>;

async function outage(guard: Guard, seed: number): Promise<Outage> {
  const clock = virtualClock(1_000_000);
  const startMs = clock.nowMs();
  const transport = memory({ clock, partitions: 4 });
  await transport.createTopics([{ name: 'in' }, { name: 'out' }, { name: 'dead' }]);
  const records = Math.ceil(((beforeMs + afterMs) / busyMs) * places * 1.1); // always more than can be done
  for (let i = 0; i < records; i += 1) transport.broker.append('in', i % 4, [{ key: null, value: index.encode(i), headers: [] }]);
  const server = new LoadedServer({ clock, capacity: places, above: 'queues' });
  const calls: MadeCall[] = [];
  const called = new Set<number>();
  const service = (record: number): Observable<number> =>
    defer(() => {
      const one: MadeCall = { record, atMs: clock.nowMs() - startMs, isRetry: called.has(record), endedMs: undefined };
      calls.push(one);
      called.add(record);
      return server.request().pipe(
        map(() => {
          if (one.atMs >= beforeMs && one.atMs < overMs) throw new InferenceError('model_unavailable', 'down');
          one.endedMs = clock.nowMs() - startMs;
          return record;
        }),
      );
    });
  const pipeline = definePipeline({
    ...{
      name: 'outage',
      input: topic('in', index),
      output: topic('out', index),
      deadLetter: topic('dead'),
      ordering: 'none',
      deadlineMs: 10_000,
    },
    process: (source) => source.pipe(mapConcurrent((i) => guard(service(i)), { concurrency: places })),
  });
  const app = await start(pipeline, { transport, clock, log: silentLog, signals: false, random: seeded(seed) });
  let isHeld = false;
  while (clock.nowMs() < startMs + overMs + afterMs) {
    await clock.advance(100);
    isHeld ||= app.stats().holds.some(({ reason }) => reason === 'a circuit breaker is open');
  }
  const letters = [0, 1, 2, 3].reduce((sum, partition) => sum + transport.broker.records('dead', partition).length, 0);
  const drained = app.drain({ deadlineMs: 0 });
  await clock.advance(10_000);
  await drained;
  return { calls, letters, isHeld };
}

/** From the end of the outage until each second has 90 % of what one had before it. */
function backAfterMs(calls: readonly MadeCall[]): number {
  const within = (fromMs: number, toMs: number): number =>
    calls.filter(({ endedMs }) => endedMs !== undefined && endedMs >= fromMs && endedMs < toMs).length;
  const usual = within(1_000, beforeMs) / (beforeMs - 1_000);
  let backMs = overMs + afterMs - 1_000;
  while (backMs >= overMs && within(backMs, backMs + 1_000) >= 900 * usual) backMs -= 100;
  return backMs + 100 - overMs;
}

const bucketMs = 100;

/** The share of the retries that the fullest 100 ms has. */
function fullestBucket(calls: readonly MadeCall[]): number {
  const buckets = new Map<number, number>();
  const retries = calls.filter(({ isRetry }) => isRetry);
  for (const { atMs } of retries) buckets.set(Math.floor(atMs / bucketMs), (buckets.get(Math.floor(atMs / bucketMs)) ?? 0) + 1);
  return Math.max(0, ...buckets.values()) / Math.max(1, retries.length);
}

/** What keeps calls from the server while it is down, made anew for each outage. The worst of as many outages as there are seeds. */
export async function findings(what: string, guard: () => Guard, seeds: readonly number[] = [1]): Promise<readonly Finding[]> {
  const worst = { calls: 0, during: 0, backMs: 0, fullest: 0, letters: 0, isHeld: true };
  for (const seed of seeds) {
    const { calls, letters, isHeld } = await outage(guard(), seed);
    const taken = new Set(calls.map(({ record }) => record)).size;
    worst.calls = Math.max(worst.calls, calls.length / taken);
    worst.during = Math.max(worst.during, calls.filter(({ atMs }) => atMs >= beforeMs && atMs < overMs).length);
    worst.backMs = Math.max(worst.backMs, backAfterMs(calls));
    worst.fullest = Math.max(worst.fullest, fullestBucket(calls));
    worst.letters = Math.max(worst.letters, letters);
    worst.isHeld &&= isHeld;
  }
  const { calls, during, backMs, fullest, letters, isHeld } = worst;
  return [
    { what: `${what}: calls for each record taken`, measured: calls.toFixed(3), passes: '<= 1.1', pass: calls <= 1.1 },
    tells(`${what}: calls in the 30 s of the outage`, String(during)),
    {
      what: `${what}: back to 90 % by itself after`,
      measured: `${(backMs / 1_000).toFixed(1)} s`,
      passes: '<= 15 s',
      pass: backMs <= 15_000,
    },
    {
      what: `${what}: of the retries, the fullest 100 ms has`,
      measured: `${(100 * fullest).toFixed(1)} %`,
      passes: '<= 20 %',
      pass: fullest <= 0.2,
    },
    {
      what: `${what}: dead letters; the source was held`,
      measured: `${String(letters)}; ${isHeld ? 'yes' : 'no'}`,
      passes: '0; yes',
      pass: letters === 0 && isHeld,
    },
  ];
}

const byDefault = (): Guard => {
  const breaker = circuitBreaker();
  return (call) => call.pipe(withBreaker(breaker));
};

const withOwnRetry = (): Guard => {
  const breaker = circuitBreaker();
  return (call) => call.pipe(withBreaker(breaker), retryWithBackoff({ attempts: 2 }));
};

export async function run({ short }: Pick<ExperimentContext, 'short'>): Promise<ExperimentResult> {
  const seeds = short ? [1] : [1, 2, 3, 4];
  const measured = await findings('the default retry', byDefault, seeds);
  return { measured: short ? measured : [...measured, ...(await findings('retryWithBackoff', withOwnRetry, seeds))], pass: true };
}
