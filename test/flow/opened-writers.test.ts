import { describe, expect, it } from 'vitest';
import { isStreamError, TransportError } from '../../src/errors.ts';
import { OpenedWriters } from '../../src/flow/opened-writers.ts';
import type { TransactionalProducer } from '../../src/transport/transport.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const latencyMs = 10;
const part = (partition: number, epoch = 1) => ({ topic: 'in', partition, epoch });
const always = (): boolean => true;

/** @param failures what the broker answers first */
function writers(...failures: readonly Error[]) {
  const clock = virtualClock();
  const [open, troubles, left] = [new Set<TransactionalProducer>(), [] as (string | undefined)[], [...failures]];
  const asked: string[] = [];
  let [running, most] = [0, 0];
  const transact = async ({ transactionalId }: { readonly transactionalId: string }): Promise<TransactionalProducer> => {
    asked.push(transactionalId);
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((answer) => clock.schedule(latencyMs, answer));
    running -= 1;
    const failure = left.shift();
    if (failure) throw failure;
    const producer: TransactionalProducer = {
      begin: () => Promise.reject(new Error('not in this test')),
      close: () => {
        open.delete(producer);
        return Promise.resolve();
      },
    };
    open.add(producer);
    return producer;
  };
  const opened = new OpenedWriters({
    transport: { transact },
    clock,
    groupId: 'g',
    clientId: 'c',
    isFinal: (error) => isStreamError(error) && error.code === 'authentication_failed',
    trouble: (_, why) => troubles.push(why),
  });
  return { clock, opened, open, troubles, asked, most: () => most };
}

const down = () => new TransportError('transport_unavailable', 'down');

describe('OpenedWriters', () => {
  it('opens again until it works, and says when the trouble is over', async () => {
    const { clock, opened, open, troubles } = writers(down(), down());
    const opening = opened.open([part(0)], always);
    await clock.advance(1_000);
    await opening;
    expect(open.size).toBe(1);
    const why = 'opening the writer of in/0 fails and is tried again: down';
    expect(troubles).toEqual([why, why, undefined]);
  });

  it('gives up when nobody wants it any more', async () => {
    const { clock, opened, open, troubles } = writers(down());
    let wanted = true;
    const opening = opened.open([part(0)], () => wanted);
    await clock.advance(latencyMs);
    wanted = false;
    await clock.advance(1_000);
    await opening;
    expect([open.size, troubles.length, troubles.at(-1)]).toEqual([0, 2, undefined]);
  });

  it('throws what is final', async () => {
    const { clock, opened } = writers(new TransportError('authentication_failed', 'you may not'));
    const opening = expect(opened.open([part(0)], always)).rejects.toMatchObject({ code: 'authentication_failed' });
    await clock.advance(latencyMs);
    await opening;
  });

  it('opens sixteen at once, each once', async () => {
    const { clock, opened, asked, most } = writers();
    const opening = opened.open(
      Array.from({ length: 40 }, (_, i) => part(i)),
      always,
    );
    await clock.advance(1_000);
    await opening;
    expect([most(), new Set(asked).size, asked.length]).toEqual([16, 40, 40]);
  });

  it('hands a writer out once, and to the ownership it was opened for', async () => {
    const { clock, opened, open } = writers();
    const opening = opened.open([part(0), part(1)], always);
    await clock.advance(latencyMs);
    await opening;
    const [first] = open;
    expect(opened.take(part(0))).toBe(first);
    expect(opened.take(part(0))).toBeUndefined();
    expect(opened.take(part(1, 2))).toBeUndefined();
    expect([...open]).toEqual([first]); // the other one was closed
  });

  it('closes what an ownership has left, or an older one', async () => {
    const { clock, opened, open } = writers();
    for (const epoch of [1, 2]) {
      const opening = opened.open([part(0, epoch)], always);
      await clock.advance(latencyMs);
      await opening;
      expect(open.size).toBe(1);
    }
    await opened.close(part(0, 1));
    expect(open.size).toBe(1);
    await opened.close(part(0, 2));
    expect(open.size).toBe(0);
  });

  it('closes all when it is stopped, also what is only being opened', async () => {
    const { clock, opened, open } = writers();
    const opening = opened.open([part(0)], always);
    await clock.advance(latencyMs);
    await opening;
    const late = opened.open([part(1)], always);
    await opened.stop();
    await clock.advance(1_000);
    await late;
    expect(open.size).toBe(0);
  });

  it('does not wait out a failure when it is stopped', async () => {
    const { clock, opened, asked } = writers(down());
    const opening = opened.open([part(0)], always);
    await clock.advance(latencyMs);
    await opened.stop();
    await opening;
    expect(asked).toHaveLength(1);
  });
});
