import { describe, expect, it } from 'vitest';
import { diagnose, type Situation } from '../../src/serve/diagnose.state.ts';
import { readMetrics } from '../../src/serve/read-metrics.ts';
import { situationOf } from '../../src/serve/situation.ts';
import { gpusIn, watchGpus } from '../../src/serve/gpus.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const idle: Situation = {
  ...{ seconds: 10, settledPerSecond: 0, lag: 0, waiting: 0, working: 0, handed: 0, aheadBytes: 0, outgoingBytes: 0 },
  ...{ loopBusy: 0.02, cpus: 0.03, gcShare: 0, intake: 1, paused: {}, policyWaits: {}, unreadable: {}, troubles: 0, state: 'running' },
};
// the first three as they were seen on the embedded broker: calls of 200 ms, a broker that takes 1 s for each send, no input
const slowModel = {
  ...idle,
  settledPerSecond: 20,
  waiting: 1_996,
  working: 4,
  lag: 34_440,
  aheadBytes: 1e6,
  paused: { 'records in flight': 1 },
};
const slowSink = { ...idle, settledPerSecond: 990, handed: 2_000, lag: 5_900, outgoingBytes: 153_600, paused: { 'records in flight': 1 } };
const busy = { ...slowModel, working: 32, loopBusy: 0.99, cpus: 1.02 };

describe('diagnose', () => {
  it.each<[string, Situation, string]>([
    ['nothing to do', idle, 'source'],
    ['a slow model', slowModel, 'model'],
    ['a slow sink', slowSink, 'sink'],
    ['a few records on their way out behind a slow model', { ...slowModel, handed: 40 }, 'model'],
    ['a busy loop behind which calls pile up', busy, 'cpu'],
    ['collections in a busy loop', { ...busy, gcShare: 0.3 }, 'gc'],
    ['short memory in a busy loop', { ...busy, gcShare: 0.3, intake: 0.4 }, 'memory'],
    ['memory used up', { ...idle, intake: 0 }, 'memory'],
    ['a budget that is spent', { ...slowModel, paused: { 'the token budget is spent': 0.9 } }, 'queue'],
    ['permits that are taken', { ...slowModel, policyWaits: { slots: 30 } }, 'queue'],
    ['records that wait for company', { ...idle, waiting: 12 }, 'queue'],
    ['fetches that bring too little', { ...idle, settledPerSecond: 5, working: 1, lag: 5_000 }, 'source'],
    ['a schema registry that is away', { ...idle, lag: 500, unreadable: { orders: 3 } }, 'codec'],
    ['one partition of many that waits for a schema', { ...slowModel, unreadable: { orders: 1 } }, 'model'],
    ['a pipeline that keeps pace', { ...idle, settledPerSecond: 50, working: 3, waiting: 1, lag: 4 }, 'none'],
    [
      'a sink that holds the intake',
      { ...idle, settledPerSecond: 5, handed: 1, working: 5, paused: { 'bytes for the broker': 0.8 } },
      'sink',
    ],
  ])('%s', (_, seen, bottleneck) => {
    const found = diagnose(seen);
    expect(found.bottleneck).toBe(bottleneck);
    expect(found.evidence.length).toBeGreaterThan(0);
    expect(found.advice).not.toBe('');
  });

  it('names the policy, and what it sees of it', () => {
    const { evidence, advice } = diagnose({ ...slowModel, policyWaits: { slots: 30, budget: 2 } });
    expect(evidence[0]).toBe('30 calls wait: slots');
    expect(advice).toContain('(slots)');
  });
});

describe('a situation', () => {
  const at = (seconds: number, waiting: number) =>
    readMetrics(
      [
        '# HELP millrace_x y',
        `millrace_records_total{outcome="done",pipeline="p"} ${String(seconds * 7)}`,
        `millrace_records_total{outcome="given_back",pipeline="p"} ${String(seconds * 100)}`,
        `millrace_event_loop_active_seconds_total ${String(5 + seconds * 0.5)}`,
        `millrace_gc_pause_seconds_total{kind="minor"} ${String(seconds * 0.1)}`,
        `millrace_gc_pause_seconds_total{kind="major"} ${String(seconds * 0.2)}`,
        `millrace_records_in_flight{stage="waiting",pipeline="p"} ${String(waiting)}`,
        `millrace_intake_ratio{pipeline="p"} ${seconds === 1 ? '0.5' : '1'}`,
        'millrace_policy_limit{policy="a"} +Inf',
        'millrace_paused{reason="a \\"b\\" \\\\ c",pipeline="p"} 1',
        'millrace_pipeline_state{pipeline="p",state="starting"} 0',
        'millrace_pipeline_state{pipeline="p",state="draining"} 1',
        'nonsense',
      ].join('\n'),
    );

  it('is rates of what has grown and means of what stands', () => {
    const seen = situationOf([0, 1, 2].map((s) => ({ atMs: 1_000 * s, reading: at(s, s * 10) })));
    expect(seen).toMatchObject({ seconds: 2, settledPerSecond: 7, loopBusy: 0.5, waiting: 10, intake: 0.5, state: 'draining' });
    expect(seen.gcShare).toBeCloseTo(0.3);
    expect(seen.paused['a "b" \\ c']).toBeCloseTo(1);
    expect(at(0, 0).get('millrace_policy_limit')).toEqual([[Infinity, { policy: 'a' }]]);
  });

  it('takes two looks', () => {
    expect(() => situationOf([{ atMs: 0, reading: at(0, 0) }])).toThrow('takes two looks');
  });
});

describe('GPUs', () => {
  it('are read as nvidia-smi tells them', () => {
    expect(gpusIn('0, 87, 1024, 81559\n1, [N/A], [N/A], 2\n\nfailed\n')).toEqual([
      { index: '0', use: 0.87, memoryUsedBytes: 2 ** 30, memoryTotalBytes: 81_559 * 2 ** 20 },
      { index: '1', use: undefined, memoryUsedBytes: undefined, memoryTotalBytes: 2 ** 21 },
    ]);
  });

  it('are asked for every 5 s at most, and never again where there are none', async () => {
    const clock = virtualClock(0);
    let asked = 0;
    const there = watchGpus(clock, () => Promise.resolve(((asked += 1), '0, 1, 1, 1')));
    await Promise.all([there(), there()]);
    await clock.advance(5_000);
    expect([await there(), asked]).toMatchObject([[{ index: '0' }], 2]);
    let failed = 0;
    const missing = watchGpus(clock, () => Promise.reject(Object.assign(new Error('no'), { code: ((failed += 1), 'ENOENT') })));
    for (let i = 0; i < 3; i += 1) {
      expect(await missing()).toEqual([]);
      await clock.advance(60_000);
    }
    expect(failed).toBe(1);
  });
});
