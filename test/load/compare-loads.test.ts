import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';
import { ratiosOf } from '../../src/load/block-bootstrap.ts';
import { compareLoads } from '../../src/load/compare-loads.ts';
import { type LoadReport, loadReport } from '../../src/load/load-report.ts';
import { type LoadOptions, loadPlan } from '../../src/load/load-plan.ts';
import { LoadTally } from '../../src/load/load-tally.state.ts';
import { binOf } from '../../src/load/peak-rate.state.ts';
import { loadPage } from '../../src/load/load-page.ts';

interface Played {
  readonly tasks?: number;
  readonly seed: number;
  /** What each time is multiplied by. */
  readonly slower?: number;
  readonly failing?: number;
  readonly options?: LoadOptions;
}

/** A report of tasks of about a second, in batches of five that are slow or fast together. */
function played({ tasks = 200, seed, slower = 1, failing = 0, options = {} }: Played): LoadReport {
  const plan = loadPlan({ url: 'http://h:1/v1/chat/completions?key=secret', loops: Math.ceil(tasks / 5), ...options });
  const random = seededRandom(seed, 'played');
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const tally = new LoadTally(0, 60_000);
  let atMs = 0;
  for (let from = 0; from < tasks; from += 5) {
    const batch = 1_000 * slower * Math.exp(0.15 * normal());
    for (let number = from + 1; number <= Math.min(tasks, from + 5); number += 1) {
      const took = batch * Math.exp(0.03 * normal());
      const [firstMs, endMs] = [atMs + took * 0.2, atMs + took];
      tally.started(atMs, atMs);
      tally.ended({
        ...{
          number,
          queue: 1,
          user: undefined,
          dueMs: atMs,
          sentMs: atMs,
          firstMs,
          lastMs: endMs,
          endMs,
          events: 20,
          chunks: 20,
          tokens: 20,
        },
        failure: random() < failing ? { cause: 'status <500>', message: '<script>alert(1)</script>' } : undefined,
        ...{ countedBy: 'usage', marks: new Map([[binOf(endMs), 20]]), restarts: 0, isResent: false },
      });
    }
    atMs += batch;
  }
  const generator = { loopDelayMs: undefined, cpuShare: 0.1 };
  return loadReport({ plan, promptsFrom: 'here', startedMs: 0, isComplete: true, tally, generator, gpus: [], log: undefined });
}

const verdicts = (before: LoadReport, after: LoadReport) =>
  Object.fromEntries(compareLoads(before, after).changes.map(({ what, verdict }) => [what, verdict]));

describe('two runs', () => {
  const before = played({ seed: 1 });

  it('that are one have no difference', () => {
    const { changes, otherwise } = compareLoads(before, before);
    expect(changes.map(({ verdict }) => verdict)).toEqual(Array.from({ length: 9 }, () => 'no difference'));
    expect(
      changes.flatMap(({ interval }) => (interval ? [interval.from <= interval.ratio && interval.ratio <= interval.to] : [])),
    ).not.toContain(false);
    expect(otherwise).toEqual([]);
  });

  it('of the same target differ by chance alone in hardly any of 4 pairs', () => {
    const alarms = Array.from({ length: 4 }, (_, nth) =>
      Object.values(verdicts(played({ seed: 100 + nth, tasks: 100 }), played({ seed: 500 + nth, tasks: 100 }))),
    );
    expect(alarms.filter((all) => all.some((one) => one === 'better' || one === 'worse')).length).toBeLessThanOrEqual(1);
  }, 60_000);

  it('of which one is 1.5 times slower differ, also in length, and both ways', () => {
    const slower = played({ seed: 2, tasks: 300, slower: 1.5 });
    expect(verdicts(before, slower)).toEqual({
      'tasks a second': 'worse',
      'tokens a second': 'worse',
      ...{ 'time to first token, p50': 'worse', 'time to first token, p90': 'worse', 'time per token, p50': 'worse' },
      ...{
        'time per token, p90': 'worse',
        'whole latency, p50': 'worse',
        'whole latency, p90': 'worse',
        'share of failures': 'no difference',
      },
    });
    expect(new Set(Object.values(verdicts(slower, before)))).toEqual(new Set(['better', 'no difference']));
    const { after, interval } = compareLoads(before, slower).changes.find(({ what }) => what === 'whole latency, p50') ?? {};
    expect([after, interval?.ratio]).toEqual([expect.closeTo(1_500, -2), expect.closeTo(1.5, 0.5)]);
  });

  it('with failures differ in their share', () => {
    expect(verdicts(before, played({ seed: 1, failing: 0.2 }))['share of failures']).toBe('worse');
  });

  it('with few tasks are not told apart, and not told to be the same', () => {
    expect(new Set(Object.values(verdicts(before, played({ seed: 1, tasks: 10 }))))).toEqual(new Set(['too few to tell']));
  });

  it('that asked for other things are told so', () => {
    const { otherwise } = compareLoads(before, played({ seed: 1, options: { maxTokens: 9 } }));
    expect(otherwise).toEqual(['longest answer: 128 tokens → 9 tokens']);
  });
});

describe('an interval', () => {
  const median = (values: Float64Array): number => values[Math.floor(values.length / 2)] ?? 0;

  it('is wider where neighbours have something in common: in blocks it knows, one by one it would not', () => {
    const random = seededRandom(5);
    const values = Array.from({ length: 40 }, () => 1_000 * (1 + random())).flatMap((one) => Array.from({ length: 5 }, () => one));
    const width = (block: number): number => {
      const [found] = ratiosOf({ values, block }, { values, block }, [median], 0.95);
      return (found?.to ?? 0) - (found?.from ?? 0);
    };
    expect(width(5) / width(1)).toBeGreaterThan(1.5);
  });

  it('is the same each time', () => {
    const sample = { values: [1, 2, 3, 4, 5, 6, 7, 8], block: 2 };
    expect(ratiosOf(sample, sample, [median], 0.95)).toEqual(ratiosOf(sample, sample, [median], 0.95));
  });
});

describe('the page', () => {
  it('shows text as text, and no secret', () => {
    const page = loadPage(played({ seed: 1, failing: 0.2 }));
    expect(page).not.toMatch(/<script|secret/);
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).toContain("default-src 'none'");
    expect(page.match(/<svg /g)?.length).toBeGreaterThanOrEqual(6);
  });
});
