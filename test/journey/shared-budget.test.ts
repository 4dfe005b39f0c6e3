import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mapConcurrent, retryWithBackoff, withinBudget } from '../../operators/index.ts';
import { currentScope } from '../../src/call.ts';
import { json } from '../../src/codec/json.ts';
import { OverloadError, TransportError } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import type { Consumer, Transport } from '../../src/transport/transport.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';

const limit = 60_000;
const windowMs = 60_000;
const partitions = 6;
const minutes = 10;
/** From one fault to the next. */
const faultMs = 90_000;
/** The share of the limit that is used when nothing happens, as measured. */
const undisturbed = 0.98;

/** Refuses whatever would pass the limit in any window, counted when it arrives. */
class StrictServer {
  readonly taken: { readonly atMs: number; readonly tokens: number }[] = [];
  refused = 0;
  readonly #clock: VirtualClock;
  #from = 0;
  #sum = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** A call of between 250 and 900 tokens, by its number, that takes between 0.2 and 2 s; it is under way for up to 200 ms. */
  call(number: number): Observable<{ usage: { inputTokens: number; outputTokens: number } }> {
    const usage = { inputTokens: 200, outputTokens: 50 + ((number * 7919) % 650) };
    const { clock } = currentScope();
    return new Observable((out) => {
      const arrive = (): void => {
        if (!this.#take(usage.inputTokens + usage.outputTokens)) {
          out.error(new OverloadError('429', { status: 429, retryAfterMs: 1000 }));
          return;
        }
        cancel = clock.schedule(200 + ((number * 104_729) % 1800), () => {
          out.next({ usage });
          out.complete();
        });
      };
      let cancel = clock.schedule((number * 31) % 200, arrive);
      return () => cancel();
    });
  }

  #take(tokens: number): boolean {
    const nowMs = this.#clock.nowMs();
    for (let oldest = this.taken[this.#from]; oldest && oldest.atMs <= nowMs - windowMs; oldest = this.taken[this.#from]) {
      this.#sum -= oldest.tokens;
      this.#from += 1;
    }
    if (this.#sum + tokens > limit) {
      this.refused += 1;
      return false;
    }
    this.#sum += tokens;
    this.taken.push({ atMs: nowMs, tokens });
    return true;
  }

  used(fromMs: number, toMs: number): number {
    return this.taken.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** What stood in the window, on the average of all moments between these, as a share of the limit; when bursts come does not matter to it. */
  use(fromMs: number, toMs: number): number {
    let area = 0;
    for (const { atMs, tokens } of this.taken) area += tokens * Math.max(0, Math.min(toMs, atMs + windowMs) - Math.max(fromMs, atMs));
    return area / (limit * (toMs - fromMs));
  }
}

/** One instance: its app, its own budget, and its end of the log, which can be cut. */
async function instanceOf(
  clock: VirtualClock,
  shared: ReturnType<typeof memory>,
  server: StrictServer,
  delivery: 'at-least-once' | 'exactly-once',
) {
  let isCut = false;
  let consumer: Consumer | undefined;
  const transport: Transport = {
    ...shared,
    name: shared.name,
    consume: async (options, handlers) => {
      const joined = (consumer = await shared.consume(options, handlers));
      return {
        ...joined,
        pause: (all) => joined.pause(all),
        resume: (all) => joined.resume(all),
        verify: () => undefined, // it stands for one that does not notice
        stillOwned: (all) => joined.stillOwned(all),
        close: () => joined.close(),
        commit: (offsets) => (isCut ? Promise.reject(new TransportError('transport_unavailable', 'cut')) : joined.commit(offsets)),
      };
    },
    produce: (options) => shared.produce(options),
    transact: (options) => (isCut ? Promise.reject(new TransportError('transport_unavailable', 'cut')) : shared.transact(options)),
    committed: (group, all) => shared.committed(group, all),
    describeTopics: (names) => shared.describeTopics(names),
    createTopics: (topics) => shared.createTopics(topics),
    close: () => Promise.resolve(),
  };
  const pipeline = definePipeline({
    name: 'shared',
    input: topic('in', json(z.number())),
    output: topic('out', json(z.unknown())),
    deadLetter: topic('dead'),
    ordering: 'none',
    delivery,
    deadlineMs: 3_600_000,
    resources: { budget: tokenBudget({ tokensPerMinute: limit, requestsPerMinute: 6_000, sharedBy: 'partitions' }) },
    process: (numbers, { budget }) =>
      numbers.pipe(
        mapConcurrent(
          (number) =>
            server
              .call(number)
              .pipe(withinBudget(budget, { estimate: () => ({ inputTokens: 200, outputTokens: 700 }) }), retryWithBackoff()),
          { concurrency: 40 },
        ),
      ),
  });
  const starting = start(pipeline, { transport, clock, log: silentLog, signals: false });
  await clock.advance(200);
  const app: App = await starting;
  app.done.catch(() => undefined);
  return {
    app,
    leave: async () => {
      const left = app.drain({ deadlineMs: 5_000 });
      await clock.advance(8_000);
      await left;
    },
    /** It hears of nothing for a while, and goes on calling. */
    expel: (noticeMs: number) => {
      isCut = true;
      if (consumer) shared.broker.expel(consumer, { noticeMs });
      return () => (isCut = false);
    },
    crash: async () => {
      isCut = true;
      if (consumer) shared.broker.expel(consumer, { noticeMs: 0 });
      const left = app.drain({ deadlineMs: 0 });
      await clock.advance(3_000);
      await left;
    },
  };
}

async function run(delivery: 'at-least-once' | 'exactly-once', faults: boolean) {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions });
  await transport.createTopics([{ name: 'in' }, { name: 'out' }, { name: 'dead' }]);
  for (let number = 0; number < 3_000; number += 1)
    transport.broker.append('in', number % partitions, [{ key: null, value: Buffer.from(String(number)), headers: [] }]);
  const server = new StrictServer(clock);
  const join = () => instanceOf(clock, transport, server, delivery);
  const startMs = clock.nowMs();
  const untilMs = startMs + minutes * 60_000;
  const members = [await join(), await join()];
  const events: { readonly atMs: number; readonly what: string }[] = [];
  const note = (what: string): void => void events.push({ atMs: clock.nowMs(), what });
  const at = async (minute: number): Promise<void> => clock.advance(Math.max(0, startMs + minute * 60_000 - clock.nowMs()));
  if (faults) {
    await at(1.5);
    note('a third joins');
    members.push(await join());
    await at(3);
    note('one leaves');
    await members.shift()?.leave();
    await at(4.5);
    note('one crashes');
    await members.shift()?.crash();
    await at(6);
    note('one starts');
    members.push(await join());
    await at(7.5);
    note('one is thrown out, and goes on for 1.5 s');
    const mend = members[0]?.expel(1_500);
    await clock.advance(3_000);
    mend?.();
  }
  await clock.advance(untilMs - clock.nowMs());
  const used = server.used(startMs, untilMs);
  for (const one of members) await one.crash();
  return { server, used, events, startMs };
}

describe('a limit of 60,000 tokens a minute that instances share, 10 minutes of load', () => {
  it.each(['at-least-once', 'exactly-once'] as const)(
    'is used by more than 95 of 100 when nothing happens: %s',
    async (delivery) => {
      const { server, startMs } = await run(delivery, false);
      expect(server.refused).toBe(0);
      const used = server.used(startMs + 120_000, startMs + 600_000) / (8 * limit);
      console.log(`${delivery}: ${(100 * used).toFixed(1)} % of the limit used`);
      expect(used).toBeGreaterThan(0.95);
    },
    120_000,
  );

  it.each(['at-least-once', 'exactly-once'] as const)(
    'is never passed through restarts, crashes and rebalances: %s',
    async (delivery) => {
      const { server, used, events, startMs } = await run(delivery, true);
      expect(server.refused).toBe(0);
      const lost: Record<string, number> = {};
      for (const { atMs, what } of events) {
        lost[what] = Math.round((undisturbed - server.use(atMs, atMs + faultMs)) * limit * (faultMs / windowMs));
        console.log(`${delivery}: ${what} at ${((atMs - startMs) / 60_000).toFixed(1)} min: ${String(lost[what])} tokens lost by it`);
      }
      console.log(`${delivery}: ${((100 * used) / (minutes * limit)).toFixed(1)} % used in all`);
      expect(used).toBeGreaterThan(0.95 * minutes * limit);
      expect(lost['one leaves']).toBeLessThan(limit / 15); // its calls in flight, and what the others need to take over
    },
    120_000,
  );
});
