import { retryWithBackoff, withPermit } from '../../../operators/index.ts';
import { adaptiveLimit, type AdaptiveLimitOptions } from '../../../src/policies/adaptive-limit.ts';
import type { Permits } from '../../../src/policies/permits.ts';
import { virtualClock, type VirtualClock } from '../../../src/virtual-clock.ts';
import type { ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { testScope, within } from '../../helpers/scope.ts';
import { LoadedServer, type LoadedServerOptions } from './loaded-server.ts';

export const name = 'capacity-drops';
export const summary = 'capacity 32, then 8, then 32: how soon an adaptive limit is within 20 % of the knee, and what it is told off for';

const callers = 64;
const stretchMs = 15_000;
const lookEveryMs = 50;

/** One stretch of time at one capacity. */
export interface Stretch {
  readonly capacity: number;
  readonly knee: number;
  /** From the change until the limit is within 20 % of the knee and stays there, the two seconds that show it included. */
  readonly settledMs: number;
  /** Answers of 429 among all answers. */
  readonly refusedShare: number;
  /** Throughput from 5 s on, of what the knee gives, and of what the capacity gives. */
  readonly ofKnee: number;
  readonly ofCapacity: number;
  readonly limits: readonly number[];
}

/** A server, and callers that always have another call to make. */
function underLoad(limitOptions: AdaptiveLimitOptions, serverOptions: Omit<LoadedServerOptions, 'clock'>) {
  const clock = virtualClock();
  const limit = adaptiveLimit(limitOptions);
  const server = new LoadedServer({ ...serverOptions, clock });
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const scope = testScope(clock, { random });
  const again = (): void => {
    within(scope, server.request().pipe(withPermit(limit), retryWithBackoff())).subscribe({ complete: again, error: again });
  };
  for (let caller = 0; caller < callers; caller += 1) again();
  return { clock, limit, server };
}

/** Runs for 15 s at each capacity in turn. */
export async function stretches(
  capacities: readonly number[],
  limitOptions: AdaptiveLimitOptions,
  serverOptions: Omit<LoadedServerOptions, 'clock' | 'capacity'>,
): Promise<readonly Stretch[]> {
  const { clock, limit, server } = underLoad(limitOptions, { ...serverOptions, capacity: capacities[0] ?? 1 });
  const all: Stretch[] = [];
  for (const capacity of capacities) {
    server.capacity = capacity;
    all.push(await stretch(clock, limit, server));
  }
  return all;
}

async function stretch(clock: VirtualClock, limit: Permits, server: LoadedServer): Promise<Stretch> {
  const { capacity } = server;
  const before = { served: server.served, refused: server.refused };
  const limits: number[] = [];
  let servedAt5s = server.served;
  for (let ms = 0; ms < stretchMs; ms += lookEveryMs) {
    if (ms === 5_000) servedAt5s = server.served;
    limits.push(limit.limit);
    await clock.advance(lookEveryMs);
  }
  const [served, refused] = [server.served - before.served, server.refused - before.refused];
  const rate = (server.served - servedAt5s) / (stretchMs - 5_000);
  const knee = LoadedServer.knee(capacity);
  return {
    capacity,
    knee,
    settledMs: settledAfter(limits, knee),
    refusedShare: refused / (served + refused),
    ofKnee: rate / LoadedServer.rate(knee),
    ofCapacity: rate / LoadedServer.rate(capacity),
    limits,
  };
}

/** The median of two seconds: a look at a higher limit, every two seconds and for half of one, is no change of mind. */
function settledAfter(limits: readonly number[], knee: number): number {
  const looks = 2_000 / lookEveryMs;
  const medians = limits.slice(0, 1 - looks).map((_, at) => limits.slice(at, at + looks).sort((a, b) => a - b)[looks / 2] ?? 0);
  const last = medians.findLastIndex((one) => Math.abs(one / knee - 1) > 0.2);
  return last < 0 ? 0 : (last + 1) * lookEveryMs + 2_000;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** The table's row, for a server that refuses and for one that queues. */
export async function run(): Promise<ExperimentResult> {
  const measured: Finding[] = [];
  for (const above of ['refuses', 'queues'] as const) {
    for (const one of (await stretches([32, 8, 32], {}, { above })).slice(1)) {
      const what = `${above} above ${String(one.capacity)}`;
      measured.push(
        {
          what: `${what}: within 20 % of the knee (${String(one.knee)}) after`,
          measured: `${(one.settledMs / 1000).toFixed(2)} s`,
          passes: '<= 5 s',
          pass: one.settledMs <= 5_000,
        },
        { what: `${what}: overload answers`, measured: percent(one.refusedShare), passes: '<= 2 %', pass: one.refusedShare <= 0.02 },
        { what: `${what}: throughput, of the knee's`, measured: percent(one.ofKnee), passes: '>= 99 %', pass: one.ofKnee >= 0.99 },
        { what: `${what}: throughput, of the capacity's`, measured: percent(one.ofCapacity), passes: '', pass: true },
      );
    }
  }
  for (const above of ['refuses', 'queues'] as const) {
    const [one] = await stretches([32], { share: 0.99 }, { above });
    const share = one?.ofCapacity ?? 0;
    measured.push({
      what: `${above} above 32, steady, share 0.99: throughput, of the capacity's`,
      measured: percent(share),
      passes: '>= 99 %',
      pass: share >= 0.99,
    });
  }
  return { measured, pass: true };
}
