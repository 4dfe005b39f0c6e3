import { describe, expect, it } from 'vitest';
import { LimitedWorld, type ServerNow, type WorldOptions } from '../helpers/limited-world.ts';

type Above = WorldOptions['above'];

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
const lengths = {
  even: () => 1,
  lognormal: (random: () => number) => Math.exp(normal(random) - 0.5),
  bimodal: (random: () => number) => (random() < 0.02 ? 20 : 1) / 1.38, // one call in fifty is 20 times as long
};
type Lengths = keyof typeof lengths;
const kinds = Object.keys(lengths) as Lengths[];
const aboves: readonly Above[] = ['queues', 'slows', 'refuses'];
const always = (knee: number) => (): ServerNow => ({ knee, demand: 1_000 });
const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] ?? 0;

interface Seen {
  readonly limit: number;
  readonly served: number;
  readonly refused: number;
}

/** What is seen every `everyMs`. */
function seenOf(
  options: WorldOptions,
  totalMs: number,
  everyMs: number,
): { readonly looks: readonly Seen[]; readonly world: LimitedWorld } {
  const world = new LimitedWorld(options);
  const looks: Seen[] = [];
  world.run(totalMs, (limit) => {
    while (world.nowMs >= looks.length * everyMs) looks.push({ limit, served: world.served, refused: world.refused });
  });
  return { looks, world };
}

/** From 20 % below the limit that gives 95 % to 20 % above the one that gives all; of few, one more or less. */
const isNear = (limit: number, knee: number): boolean =>
  limit >= Math.min(0.8 * 0.95 * knee, knee - 1) && limit <= Math.max(1.2 * knee, knee + 1);

function steady(above: Above, kind: Lengths, baseMs: number, knee: number, seed = 7_919) {
  const perMs = knee / baseMs;
  const totalMs = Math.max(20_000, 12_000 / perMs);
  const options = { above, baseMs, at: always(knee), factor: lengths[kind], seed };
  const { looks, world } = seenOf(options, totalMs, totalMs / 600);
  const late = looks.slice(300);
  const reached = looks.findIndex(({ limit }) => isNear(limit, knee));
  return {
    reachedCalls: reached < 0 ? Infinity : ((reached * totalMs) / 600) * perMs,
    limit: median(late.map((one) => one.limit)),
    share: (world.served - (late[0]?.served ?? 0)) / (totalMs / 2) / perMs,
    refusedShare: world.refused / (world.refused + world.served),
  };
}

describe('a server of one knee', () => {
  const sizes = [5, 100, 2_000].flatMap((baseMs) => [2, 8, 32, 100].map((knee) => ({ baseMs, knee })));
  const cases = aboves.flatMap((above) => kinds.flatMap((kind) => sizes.map((size) => ({ above, kind, ...size }))));
  // 5 ms and a knee of 100 is 400,000 calls, and no other world
  const tried = cases.filter(({ kind, baseMs, knee }) => (kind === 'even' || knee > 2) && !(baseMs === 5 && knee === 100));

  it.each(tried)('that $above, with $kind lengths of $baseMs ms and a knee of $knee', ({ above, kind, baseMs, knee }) => {
    const { reachedCalls, limit, share, refusedShare } = steady(above, kind, baseMs, knee);
    expect(refusedShare, 'overload answers').toBeLessThanOrEqual(0.02);
    expect(share, 'of the best throughput').toBeGreaterThanOrEqual(knee === 2 ? 0.75 : kind === 'lognormal' ? 0.8 : 0.87);
    expect(reachedCalls, 'calls until it is near').toBeLessThanOrEqual(kind === 'lognormal' ? 4_000 : 2_500);
    if (kind !== 'lognormal') expect(isNear(limit, knee), `rests at ${String(limit)}`).toBe(true);
    expect(limit).toBeGreaterThanOrEqual(0.6 * knee);
    expect(limit).toBeLessThanOrEqual(Math.max(2 * knee, knee + 1));
  });
});

describe('a server that changes', () => {
  const changes = aboves.flatMap((above) => kinds.map((kind) => ({ above, kind })));
  const baseMs = 100;

  it.each(changes)('whose knee jumps 32, 8, 32 and that $above, $kind', ({ above, kind }) => {
    const at = (ms: number): ServerNow => ({ knee: ms >= 20_000 && ms < 60_000 ? 8 : 32, demand: 1_000 });
    const { looks } = seenOf({ above, baseMs, at, factor: lengths[kind], seed: 7_919 }, 100_000, 100);
    const settledMs = (from: number, to: number, knee: number): number => {
      const medians = looks
        .slice(from, to - 19)
        .map((_, index) => median(looks.slice(from + index, from + index + 20).map((one) => one.limit)));
      const found = medians.findIndex((limit) => isNear(limit, knee));
      return found < 0 ? Infinity : found * 100 + 2_000;
    };
    const rate = (from: number, to: number): number => ((looks[to - 1]?.served ?? 0) - (looks[from]?.served ?? 0)) / (to - from);
    if (kind !== 'lognormal') {
      expect(settledMs(200, 600, 8), 'down').toBeLessThanOrEqual(15_000);
      expect(settledMs(600, 1_000, 32), 'up').toBeLessThanOrEqual(20_000);
    }
    expect(rate(400, 600), 'throughput at 8').toBeGreaterThanOrEqual(0.8 * 8);
    expect(rate(800, 1_000), 'throughput at 32').toBeGreaterThanOrEqual((kind === 'lognormal' ? 0.6 : 0.85) * 32);
    const { served = 0, refused = 0 } = looks.at(-1) ?? {};
    expect(refused / (refused + served)).toBeLessThanOrEqual(0.02);
  });

  it.each(changes)('whose knee wanders from 16 to 64 and back within a minute and that $above, $kind', ({ above, kind }) => {
    const kneeAt = (ms: number): number => Math.round(32 * 2 ** Math.sin((ms / 60_000) * 2 * Math.PI));
    const at = (ms: number): ServerNow => ({ knee: kneeAt(ms), demand: 1_000 });
    const { looks } = seenOf({ above, baseMs, at, factor: lengths[kind], seed: 7_919 }, 120_000, 100);
    const late = looks.slice(100);
    const possible = late.reduce((sum, _, index) => sum + kneeAt((index + 100) * 100), 0);
    expect(((late.at(-1)?.served ?? 0) - (late[0]?.served ?? 0)) / possible).toBeGreaterThanOrEqual(kind === 'lognormal' ? 0.8 : 0.85);
    const over = late.map(({ limit }, index) => limit / kneeAt((index + 100) * 100));
    expect(median(over)).toBeLessThanOrEqual(3.5);
    expect(Math.max(...late.map(({ limit }) => limit))).toBeLessThan(192); // and does not run up to its most, 256
  });
});

describe('demand that changes', () => {
  const factor = lengths.bimodal;

  it.each(aboves)('below the limit leaves it where it is (a server that %s)', (above) => {
    const at = (ms: number): ServerNow => ({ knee: 32, demand: ms >= 20_000 && ms < 80_000 ? 5 : 1_000 });
    const { looks } = seenOf({ above, baseMs: 100, at, factor }, 90_000, 100);
    const idle = looks.slice(230, 800).map(({ limit }) => limit);
    expect(new Set(idle).size).toBe(1);
    expect(idle[0]).toBeGreaterThanOrEqual(24);
    expect(idle[0]).toBeLessThanOrEqual(42);
  });

  it.each(aboves)('that comes in bursts of 2 s every 10 s (a server that %s)', (above) => {
    const at = (ms: number): ServerNow => ({ knee: 32, demand: ms % 10_000 < 2_000 ? 1_000 : 3 });
    const { looks, world } = seenOf({ above, baseMs: 100, at, factor }, 200_000, 100);
    expect(isNear(median(looks.slice(1_000).map(({ limit }) => limit)), 32)).toBe(true);
    expect(world.refused / (world.refused + world.served)).toBeLessThanOrEqual(0.02);
  });

  it('of servers that ask for a second of patience costs little', () => {
    const { looks, world } = seenOf({ above: 'refuses', baseMs: 100, at: always(32), retryAfterMs: 1_000 }, 60_000, 100);
    expect((world.served - (looks[300]?.served ?? 0)) / 30_000 / 0.32).toBeGreaterThanOrEqual(0.8);
    expect(world.refused / (world.refused + world.served)).toBeLessThanOrEqual(0.005);
  });
});
