import { describe, expect, it } from 'vitest';
import { text } from '../../src/codec/text.ts';
import { type ErrorCode, OptionError, messageOf, TransportError } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import type { StartOptions } from '../../src/runtime/options.ts';
import { start } from '../../src/runtime/start.ts';
import { ProcessClock } from '../../src/simulation/process-clock.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import type { ConsumeHandlers, Transport } from '../../src/transport/transport.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { passThrough } from '../helpers/pass-through.ts';

type Operation = 'describeTopics' | 'produce' | 'consume';
type Fault = (handlers: ConsumeHandlers | undefined) => Promise<never>;

const refused = (code: ErrorCode = 'transport_unavailable'): Fault => {
  return () => Promise.reject(new TransportError(code, 'broker b:1 refused the connection; is a broker running there?'));
};
const silent: Fault = () => new Promise(() => undefined);

/** Starts a pipeline on a log of which one operation fails as it is told, up to a time. */
async function rig(operation: Operation, fault: Fault, untilMs: number, options: Partial<StartOptions> = {}) {
  const clock = virtualClock(0);
  const inner = memory({ clock });
  await inner.createTopics([{ name: 'in' }]);
  const counted = new ProcessClock(clock);
  const asked: number[] = [];
  const unlessAway = <T>(work: () => Promise<T>, handlers?: ConsumeHandlers): Promise<T> => {
    asked.push(clock.nowMs());
    return clock.nowMs() < untilMs ? fault(handlers) : work();
  };
  const faulty: Record<Operation, Partial<Transport>> = {
    describeTopics: { describeTopics: (...args) => unlessAway(() => inner.describeTopics(...args)) },
    produce: { produce: (...args) => unlessAway(() => inner.produce(...args)) },
    consume: { consume: (given, handlers) => unlessAway(() => inner.consume(given, handlers), handlers) },
  };
  const troubles: string[] = [];
  const logged: string[] = [];
  const said = (details: object, message: string): void => void logged.push(`${message}: ${JSON.stringify(details)}`);
  const pipeline = definePipeline({ name: 'p', input: topic('in', text()), deadLetter: 'stop', process: (words) => words });
  const outcome = start(pipeline, {
    ...{ transport: passThrough(inner, faulty[operation]), clock: counted, signals: false },
    log: { debug: () => undefined, info: () => undefined, warn: said, error: said },
    onTroubles: ([why = 'none']) => void troubles.push(`${String(clock.nowMs())}: ${why}`),
    ...options,
  }).then(
    (app) => `${app.state} at ${String(clock.nowMs())}`,
    (error: unknown) => `${messageOf(error)} at ${String(clock.nowMs())}`,
  );
  const ended = { is: '' };
  void outcome.then((said) => (ended.is = said));
  return { clock, counted, asked, troubles, logged, ended };
}

describe('a start while the log is away', () => {
  it.each(['describeTopics', 'produce', 'consume'] as const)('waits in %s, says so at once, and goes on by itself', async (operation) => {
    const { clock, troubles, logged, ended } = await rig(operation, refused(), 8_000);
    await clock.advance(100);
    expect(troubles).toEqual(['0: the start waits: broker b:1 refused the connection; is a broker running there?, at most 120 s more']);
    expect(logged).toEqual([expect.stringMatching(/^does not work at present: .*is a broker running there\?, at most 120 s more/)]);
    await clock.advance(20_000);
    expect(ended.is).toMatch(/^running at (8|9)\d{3}$/);
    expect(troubles.at(-1)).toMatch(/: none$/);
    expect(logged.at(-1)).toMatch(/^works again/);
  });

  it('asks ever more seldom, at least every 2 s, and says how long it still waits', async () => {
    const { clock, asked, troubles } = await rig('describeTopics', refused(), 8_000, { startPatienceMs: 10_000 });
    await clock.advance(20_000);
    expect(asked).toEqual([0, 250, 750, 1_750, 3_750, 5_750, 7_750, 9_750]);
    expect(troubles.at(-2)).toMatch(/at most 3 s more$/);
  });

  it('gives up when its patience is over, and names the option', async () => {
    const { clock, ended } = await rig('describeTopics', refused(), Number.POSITIVE_INFINITY, { startPatienceMs: 5_000 });
    await clock.advance(20_000);
    expect(ended.is).toMatch(/^broker b:1 refused .*has waited 5 s for it \(startPatienceMs; --start-patience-ms\) at 5000$/);
  });

  it('says that nothing answers, and asks once', async () => {
    const { clock, asked, troubles, ended } = await rig('describeTopics', silent, Number.POSITIVE_INFINITY, { startPatienceMs: 30_000 });
    await clock.advance(60_000);
    expect(troubles).toEqual([
      expect.stringMatching(/^2000: the start waits: memory does not answer; are the brokers up.*at most 28 s more$/),
    ]);
    expect([asked.length, ended.is]).toEqual([1, expect.stringMatching(/does not answer.*has waited 30 s.* at 30000$/)]);
  });

  it('waits for a group as long as that takes', async () => {
    const { clock, ended, troubles } = await rig('consume', silent, Number.POSITIVE_INFINITY, { startPatienceMs: 1_000 });
    await clock.advance(60_000);
    expect([ended.is, troubles]).toEqual(['', []]);
  });

  it('forgets what held up a join that failed', async () => {
    const fails: Fault = (handlers) => {
      handlers?.health({ state: 'waiting', why: 'the group waits' });
      return refused()(undefined);
    };
    const { clock, troubles, ended } = await rig('consume', fails, 5_000);
    await clock.advance(10_000);
    expect([ended.is, troubles.at(-1)]).toEqual([expect.stringMatching(/^running/), expect.stringMatching(/: none$/)]);
  });

  it.each([
    ['what no waiting mends', refused('authentication_failed'), {}],
    ['an unknown topic', refused('unknown_topic'), {}],
    ['an error of options', () => Promise.reject(new OptionError('broker b:1 refused the connection')), {}],
    ['anything, without patience', refused(), { startPatienceMs: 0 }],
  ])('fails at once for %s', async (_case, fault, options) => {
    const { clock, asked, troubles, ended } = await rig('describeTopics', fault, Number.POSITIVE_INFINITY, options);
    await clock.advance(0);
    expect([ended.is, asked, troubles]).toEqual([
      expect.stringMatching(/^broker b:1 refused [^;]*(; is a broker running there\?)? at 0$/),
      [0],
      [],
    ]);
  });

  it('is given up at once, and asks no more', async () => {
    const controller = new AbortController();
    const { clock, asked, ended } = await rig('describeTopics', refused(), Number.POSITIVE_INFINITY, { signal: controller.signal });
    await clock.advance(10_100);
    const before = asked.length;
    controller.abort(new Error('enough'));
    await clock.advance(0);
    expect(ended.is).toBe('enough at 10100');
    await clock.advance(60_000);
    expect(asked).toHaveLength(before);
  });

  it('leaves no timer behind', async () => {
    for (const fault of [refused(), silent]) {
      const { clock, counted, ended } = await rig('describeTopics', fault, Number.POSITIVE_INFINITY, { startPatienceMs: 3_000 });
      await clock.advance(3_000);
      expect([ended.is, counted.timers]).toEqual([expect.stringMatching(/at 3000$/), 0]);
    }
  });
});
