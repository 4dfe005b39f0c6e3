import { describe, expect, it } from 'vitest';
import { TransportError } from '../../src/errors.ts';
import { Outbox } from '../../src/flow/outbox.ts';
import type { OutputRecord } from '../../src/record/record.ts';
import type { Producer } from '../../src/transport/transport.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

type Answer = 'ok' | 'down' | 'denied' | 'too-large' | 'rejected';

function outbox(answer: (batch: readonly string[], attempt: number) => Answer) {
  const clock = virtualClock();
  const log: string[][] = [];
  const sends: string[][] = [];
  const events: string[] = [];
  const held = { bytes: 0, freed: () => undefined };
  let running = 0;
  const producer: Producer = {
    partitionsOf: () => Promise.resolve(1),
    close: () => Promise.resolve(),
    send: (_topic, _partition, records) =>
      new Promise((resolve, reject) => {
        running += 1;
        expect(running).toBe(1);
        const batch = records.map(({ value }) => Buffer.from(value ?? []).toString());
        sends.push(batch);
        clock.schedule(10, () => {
          running -= 1;
          const said = answer(batch, sends.length);
          if (said === 'down') reject(new TransportError('transport_unavailable', 'down'));
          else if (said === 'denied') reject(new TransportError('authentication_failed', 'you may not'));
          else if (said === 'rejected') reject(new TransportError('record_rejected', 'no key'));
          else if (said === 'too-large') reject(new TransportError('record_too_large', 'too large'));
          else {
            const base = BigInt(log.flat().length);
            log.push(batch);
            resolve(base);
          }
        });
      }),
  };
  const box = new Outbox('out', 0, {
    ...{ producer, clock, held },
    trouble: (why) => events.push(why === undefined ? 'works again' : 'trouble'),
    denied: ({ message }) => events.push(message),
  });
  const push = (value: string, wanted = (): boolean => true): void => {
    const record: OutputRecord = { key: null, value: Buffer.from(value), headers: [] };
    box.push({
      record,
      wanted,
      sent: ({ offset }) => events.push(`${value}@${String(offset)}`),
      refused: () => events.push(`${value} refused`),
    });
  };
  return { box, push, clock, log, sends, events, held };
}

describe('Outbox', () => {
  it('sends a burst whole and in order, one send at a time, and says where each record lies', async () => {
    const { push, clock, log, events, held } = outbox(() => 'ok');
    push('a');
    push('b');
    await clock.advance(5);
    push('c');
    push('d');
    expect(held.bytes).toBeGreaterThan(0);
    await clock.advance(100);
    expect([log, events, held.bytes]).toEqual([
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      ['a@0', 'b@1', 'c@2', 'd@3'],
      0,
    ]);
  });

  it('sends at most 1,000 records and 900,000 bytes at once', async () => {
    const { push, clock, log } = outbox(() => 'ok');
    for (let i = 0; i < 2_500; i += 1) push(String(i));
    push('x'.repeat(500_000));
    push('y'.repeat(500_000));
    await clock.advance(100);
    expect(log.map((batch) => batch.length)).toEqual([1_000, 1_000, 501, 1]);
    expect(log.flat().slice(0, 2_500)).toEqual(Array.from({ length: 2_500 }, (_, i) => String(i)));
  });

  it('waits out a broker that is down, with longer and longer pauses, and says so once', async () => {
    const { push, clock, log, sends, events } = outbox((_, attempt) => (attempt < 12 ? 'down' : 'ok'));
    push('a');
    await clock.advance(60_000);
    expect([log, sends.length]).toEqual([[['a']], 12]);
    expect(events.filter((event) => event === 'works again')).toHaveLength(1);
    expect(events.at(-1)).toBe('a@0');
  });

  it('tells at once when it may not send, and loses nothing should that be allowed before it is stopped', async () => {
    const { push, clock, log, events } = outbox((_, attempt) => (attempt < 2 ? 'denied' : 'ok'));
    push('a');
    await clock.advance(10);
    expect(events).toEqual(['you may not', 'trouble']);
    await clock.advance(1_000);
    expect(log).toEqual([['a']]);
  });

  it.each(['too-large', 'rejected'] as const)(
    'cuts a send that is refused (%s) in two until it has found the record at fault, and refuses that one only',
    async (refusal) => {
      const { push, clock, log, events } = outbox((batch) => (batch.includes('c') ? refusal : 'ok'));
      for (const value of 'abcdefg') push(value);
      await clock.advance(1_000);
      expect(log.flat().join('')).toBe('abdefg');
      expect(events).toContain('c refused');
      expect(events).toHaveLength(7);
    },
  );

  it('does not send what nobody wants any more', async () => {
    const { push, clock, log, held } = outbox(() => 'ok');
    let wanted = true;
    push('a');
    await clock.advance(1);
    push('b', () => wanted);
    push('c');
    wanted = false;
    await clock.advance(100);
    expect([log, held.bytes]).toEqual([[['a'], ['c']], 0]);
  });
});
