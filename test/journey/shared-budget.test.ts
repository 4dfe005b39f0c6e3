import { describe, expect, it } from 'vitest';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { instanceOf } from '../helpers/limit/limited-instance.ts';
import { limit, StrictServer, windowMs } from '../helpers/limit/strict-server.ts';

const partitions = 6;
const minutes = 10;
/** From one fault to the next. */
const faultMs = 90_000;
/** The share of the limit that is used when nothing happens, as measured. */
const undisturbed = 0.98;

async function run(delivery: 'at-least-once' | 'exactly-once', faults: boolean) {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions });
  await transport.createTopics([{ name: 'in' }, { name: 'out' }, { name: 'dead' }]);
  for (let number = 0; number < 3_000; number += 1)
    transport.broker.append('in', number % partitions, [{ key: null, value: Buffer.from(String(number)), headers: [] }]);
  const server = new StrictServer(clock);
  const join = () => instanceOf(clock, transport, server, { delivery });
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
  const used = server.window.used(startMs, untilMs);
  for (const one of members) await one.crash();
  return { server, used, events, startMs };
}

describe('a limit of 60,000 tokens a minute that instances share, 10 minutes of load', () => {
  it.each(['at-least-once', 'exactly-once'] as const)(
    'is used by more than 95 of 100 when nothing happens: %s',
    async (delivery) => {
      const { server, startMs } = await run(delivery, false);
      expect(server.window.refused).toBe(0);
      const used = server.window.used(startMs + 120_000, startMs + 600_000) / (8 * limit);
      console.log(`${delivery}: ${(100 * used).toFixed(1)} % of the limit used`);
      expect(used).toBeGreaterThan(0.95);
    },
    120_000,
  );

  it.each(['at-least-once', 'exactly-once'] as const)(
    'is never passed through restarts, crashes and rebalances: %s',
    async (delivery) => {
      const { server, used, events, startMs } = await run(delivery, true);
      expect(server.window.refused).toBe(0);
      const lost: Record<string, number> = {};
      for (const { atMs, what } of events) {
        lost[what] = Math.round((undisturbed - server.window.use(atMs, atMs + faultMs)) * limit * (faultMs / windowMs));
        console.log(`${delivery}: ${what} at ${((atMs - startMs) / 60_000).toFixed(1)} min: ${String(lost[what])} tokens lost by it`);
      }
      console.log(`${delivery}: ${((100 * used) / (minutes * limit)).toFixed(1)} % used in all`);
      expect(used).toBeGreaterThan(0.95 * minutes * limit);
      expect(lost['one leaves']).toBeLessThan(limit / 15); // its calls in flight, and what the others need to take over
    },
    120_000,
  );
});
