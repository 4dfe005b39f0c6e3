import { afterEach, describe, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../src/transport/kafka/watchdog.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

function rig() {
  const clock = virtualClock(1_000_000);
  const said: string[] = [];
  const at = (what: string): void => void said.push(`${String(clock.nowMs() - 1_000_000)} ${what}`);
  const watchdog = new Watchdog({
    clock,
    groupId: 'g',
    kafka: { brokers: ['b:1'], sessionTimeoutMs: 10_000, requestTimeoutMs: 5_000, maxRestarts: 3 },
    health: (health) => {
      at(health.state === 'ok' ? 'ok' : `${health.state}: ${health.why} ${String(health.leftMs ?? '')}`.trimEnd());
    },
    forgotten: () => {
      if (!said.at(-1)?.endsWith('forgotten')) at('forgotten');
    },
    quiet: () => undefined,
    still: () => undefined,
    hung: () => {
      at('hung');
      watchdog.broken('hung');
    },
  });
  return { clock, said, watchdog };
}

/** A client that works: fetches and heartbeats. */
async function working({ clock, watchdog }: ReturnType<typeof rig>, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 250) {
    watchdog.alive();
    watchdog.known(clock.nowMs());
    await clock.advance(250);
  }
}

afterEach(() => vi.restoreAllMocks());

describe('Watchdog', () => {
  it('says nothing of a client that works', async () => {
    const one = rig();
    one.watchdog.starting();
    await working(one, 60_000);
    expect(one.said).toEqual([]);
    one.watchdog.stop();
  });

  it('tells of silence, gives the member up with its session, and takes the client for hung after two sessions and a request', async () => {
    const one = rig();
    one.watchdog.starting();
    await working(one, 1_000);
    await one.clock.advance(30_000);
    expect(one.said).toEqual([
      '4000 reconnecting: no answer from b:1 for some seconds',
      '11000 forgotten',
      '26000 hung',
      '26000 reconnecting: hung',
      '26500 forgotten',
    ]);
    one.watchdog.stop();
  });

  it('takes a client that hangs while it is started for hung, too', async () => {
    const { clock, said, watchdog } = rig();
    await clock.advance(60_000);
    watchdog.starting();
    watchdog.joining();
    await clock.advance(30_000);
    expect(said.filter((line) => line.endsWith('hung'))).toEqual(['85000 hung', '85000 reconnecting: hung']);
    watchdog.stop();
  });

  it('counts down while a join waits for a dead member, and says when that is over', async () => {
    const { clock, said, watchdog } = rig();
    watchdog.starting();
    watchdog.joining();
    await clock.advance(900);
    expect(said).toEqual([]);
    await clock.advance(1_600);
    watchdog.joined();
    expect(said).toEqual([
      '1000 waiting: the group g waits for a member that does not answer 9000',
      '2000 waiting: the group g waits for a member that does not answer 8000',
      '2500 ok',
    ]);
    watchdog.stop();
  });

  it('goes by the monotonic clock: a wall clock that is set is not seen', async () => {
    const one = rig();
    one.watchdog.starting();
    const now = Date.now();
    for (const hour of [-1, 1]) {
      vi.spyOn(Date, 'now').mockReturnValue(now + hour * 3_600_000);
      await working(one, 20_000);
    }
    expect(one.said).toEqual([]);
    one.watchdog.stop();
  });

  it('says and sets nothing when it is stopped', async () => {
    const { clock, said, watchdog } = rig();
    watchdog.starting();
    watchdog.stop();
    watchdog.tell({ state: 'reconnecting', why: 'late' });
    await clock.advance(60_000);
    expect(said).toEqual([]);
  });
});
