import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../src/inference/model.ts';
import type { EngineGateOptions } from '../../src/policies/engine-gate-options.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { engineGate } from '../../src/policies/engine-gate.ts';
import type { EngineLoad } from '../../src/policies/engine-gate.state.ts';
import { virtualClock } from '../../src/testing.ts';

/** An engine that says what it is told to, 5 ms after it is asked. */
function setUp(options: Partial<Omit<EngineGateOptions, 'engine'>> = {}) {
  const clock = virtualClock();
  const engine = { load: { running: 0, waiting: 0 } as EngineLoad, silent: false, asked: 0 };
  const read = async (): Promise<EngineLoad> => {
    engine.asked += 1;
    await new Promise<void>((resolve) => clock.schedule(5, resolve));
    if (engine.silent) throw new Error('connection refused by http://u:hunter2@h');
    return engine.load;
  };
  const gate = engineGate({ engine: 'other', read, pollMs: 100, reopenMs: 1_000, ...options });
  const seen = { passed: 0, holds: [] as [string, number][] };
  const ask = (): (() => void) =>
    gate.enter({
      clock,
      random: () => 0.5,
      hold: (reason, untilMs) => void seen.holds.push([reason, untilMs]),
      granted: () => void (seen.passed += 1),
    });
  return { clock, engine, gate, seen, ask };
}

describe('engineGate', () => {
  it('asks before the first call passes, and opens slowly', async () => {
    const { clock, seen, ask } = setUp({ slots: 100 });
    for (let n = 0; n < 100; n += 1) ask();
    const passed: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      await clock.advance(n === 0 ? 4 : 105);
      passed.push(seen.passed);
    }
    expect(passed).toEqual([0, 30, 70, 100, 100]);
    expect(seen.holds[0]).toEqual(['the engine does not say how it is', 100]);
  });

  it('lets nothing pass while requests wait in the engine, holds the source and says why', async () => {
    const { clock, engine, gate, seen, ask } = setUp();
    engine.load = { running: 8, waiting: 4, kvUse: 0.5 };
    ask();
    await clock.advance(1_000);
    expect(seen.passed).toBe(0);
    expect(seen.holds.at(-1)?.[0]).toBe('requests wait inside the engine');
    expect(seen.holds.at(-1)?.[1]).toBeGreaterThan(1_000);
    expect(gate.describe(1_000)).toEqual({
      ...{ name: 'engineGate(other)', kind: 'engine-gate', used: 8, limit: Infinity, waiting: 1 },
      pausedUntilMs: seen.holds.at(-1)?.[1],
      reason: 'requests wait inside the engine',
      numbers: { engine_waiting: 4, kv_use_share: 0.5, open_share: 0, admitted_total: 0 },
    });
    engine.load = { running: 8, waiting: 0 };
    await clock.advance(200);
    expect(seen.passed).toBe(1);
    expect(gate.describe(1_200).reason).toBeUndefined();
  });

  it('fails closed when the engine is silent, and goes on when it speaks', async () => {
    const { clock, engine, gate, seen, ask } = setUp({ staleMs: 250 });
    ask();
    await clock.advance(10);
    engine.silent = true;
    engine.load = { running: 2, waiting: 0 };
    for (let n = 0; n < 50; n += 1) ask();
    await clock.advance(300);
    const passed = seen.passed;
    await clock.advance(5_000);
    expect(seen.passed).toBe(passed);
    expect(passed).toBeLessThan(5);
    expect(gate.describe(clock.nowMs()).reason).toBe('the engine does not say how it is: connection refused by http://[redacted]@h');
    engine.silent = false;
    await clock.advance(10_000);
    expect(seen.passed).toBe(51);
  });

  it('gives up on an answer that does not come', async () => {
    const clock = virtualClock();
    let asked = 0;
    const read = (): Promise<EngineLoad> => {
      asked += 1;
      return asked === 1 ? new Promise(() => undefined) : Promise.resolve({ running: 0, waiting: 0 });
    };
    const gate = engineGate({ engine: 'other', read, pollMs: 100, staleMs: 300 });
    let passed = 0;
    gate.enter({ clock, random: () => 0.5, hold: () => undefined, granted: () => (passed += 1) });
    await clock.advance(299);
    expect(gate.waiting).toBe(1);
    await clock.advance(100);
    expect([passed, gate.describe(399).reason]).toEqual([0, 'the engine does not say how it is: no answer within 300 ms']);
    await clock.advance(2);
    expect([passed, asked]).toEqual([1, 2]);
  });

  it('asks nothing while nobody waits, and leaves no timer', async () => {
    const { clock, engine, ask } = setUp();
    ask()();
    await clock.runUntilIdle();
    ask();
    await clock.runUntilIdle();
    expect(engine.asked).toBe(2);
  });

  it('counts what it has let through since it asked', async () => {
    const { clock, engine, seen, ask } = setUp({ slots: 4, reopenMs: 1 });
    engine.load = { running: 0, waiting: 0 };
    for (let n = 0; n < 20; n += 1) ask();
    await clock.advance(10);
    expect(seen.passed).toBe(4);
    engine.load = { running: 4, waiting: 0 };
    await clock.advance(1_000);
    expect(seen.passed).toBe(4);
    engine.load = { running: 3, waiting: 0 };
    await clock.advance(100);
    expect(seen.passed).toBe(5);
  });

  it.each(['completed', 'aborted'] as const)(
    'keeps the engine full with calls shorter than its questions, but %s ones leave no place',
    async (end) => {
      const { clock, engine, gate } = setUp({ slots: 8 });
      const seen = { most: 0, ended: 0, holds: 0 };
      const one = (): void => {
        const release = gate.enter({
          clock,
          random: () => 0.5,
          hold: (_, untilMs) => void (seen.holds += untilMs > clock.nowMs() ? 1 : 0),
          granted: () => {
            engine.load = { running: engine.load.running + 1, waiting: 0 };
            seen.most = Math.max(seen.most, engine.load.running);
            clock.schedule(10, () => {
              engine.load = { running: engine.load.running - 1, waiting: 0 };
              seen.ended += 1;
              release({ end });
              one();
            });
          },
        });
      };
      for (let n = 0; n < 20; n += 1) one();
      await clock.advance(5_000);
      Object.assign(seen, { ended: 0, holds: 0 });
      await clock.advance(1_000);
      if (end === 'completed') expect(seen.ended).toBeGreaterThan(650);
      else expect(seen.ended).toBeLessThan(100);
      expect(seen.most, 'never more than it has room for').toBeLessThanOrEqual(8);
      expect(seen.holds, 'and takes on as much as it goes').toBe(0);
      await gate.open({ clock, signal: new AbortController().signal, log: () => undefined }).then(({ close }) => close());
    },
  );

  it('asks the model of this machine, once it is open', async () => {
    const clock = virtualClock();
    const model: Model = { ...scripted('ok'), state: () => of({ running: 3, waiting: 0, slots: 4 }) };
    let closed = 0;
    const resource = { name: 'model', open: () => Promise.resolve({ value: model, close: () => Promise.resolve(void (closed += 1)) }) };
    const gate = engineGate({ engine: 'llama', model: resource });
    let passed = 0;
    const leaves = [1, 2].map(() => gate.enter({ clock, random: () => 0.5, hold: () => undefined, granted: () => (passed += 1) }));
    await clock.advance(100);
    expect([passed, gate.describe(100).reason]).toEqual([
      0,
      'the engine does not say how it is: the model is not open: give the gate to the resources of the pipeline',
    ]);
    const opened = await gate.open({ clock, signal: new AbortController().signal, log: () => undefined });
    expect(opened.value).toBe(gate);
    await clock.advance(500);
    expect([passed, gate.describe(600)]).toEqual([1, expect.objectContaining({ used: 3, limit: 4, waiting: 1 })]);
    await opened.close();
    expect(closed).toBe(1);
    for (const leave of leaves) leave();
    await clock.runUntilIdle();
  });

  it('asks nothing any more when it is closed', async () => {
    const { clock, engine, gate, ask } = setUp();
    engine.load = { running: 9, waiting: 9 };
    const opened = await gate.open({ clock, signal: new AbortController().signal, log: () => undefined });
    const leave = ask();
    await clock.advance(250);
    await opened.close();
    const { asked } = engine;
    await clock.advance(1_000);
    expect([asked > 1, engine.asked - asked]).toEqual([true, 0]);
    leave();
  });

  it('refuses a model that does not say how busy it is', async () => {
    const gate = engineGate({ engine: 'llama', model: scripted('ok') });
    const opening = gate.open({ clock: virtualClock(), signal: new AbortController().signal, log: () => undefined });
    await expect(opening).rejects.toThrow('model scripted does not say how busy it is');
  });

  it.each<[unknown, string]>([
    [{ engine: 'tgi', url: 'http://x' }, 'engineGate.engine'],
    [{ engine: 'vllm', url: 'x:1' }, 'engineGate.url must be an http or https URL'],
    [{ engine: 'vllm', url: 'http://user:secret@x' }, 'must not hold a user or password'],
    [{ engine: 'llama', model: 'smollm2' }, 'engineGate.model must be a model resource'],
    [{ engine: 'other', read: 3 }, 'engineGate.read must be a function'],
    [{ engine: 'vllm', url: 'http://x', maxWaiting: 0 }, 'engineGate.maxWaiting'],
    [{ engine: 'vllm', url: 'http://x', kvUse: { from: 0.9, to: 0.9 } }, 'engineGate.kvUse.to'],
    [{ engine: 'vllm', url: 'http://x', slots: 0 }, 'engineGate.slots'],
    [{ engine: 'vllm', url: 'http://x', pollMs: 0 }, 'engineGate.pollMs'],
    [{ engine: 'vllm', url: 'http://x', pollMs: 500, staleMs: 400 }, 'engineGate.staleMs'],
    [{ engine: 'vllm', url: 'http://x', reopenMs: 0 }, 'engineGate.reopenMs'],
    [{ engine: 'vllm', url: 'http://x', maxWaitng: 3 }, 'did you mean maxWaiting?'],
  ])('refuses %o when it is called', (options, message) => {
    expect(() => engineGate(options as EngineGateOptions)).toThrow(message);
  });
});
