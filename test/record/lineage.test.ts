import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Envelope, take } from '../../src/record/envelope.ts';
import { testRun } from '../../src/testing.ts';

type Fate = 'done' | 'dropped' | 'failed';

describe('a record', () => {
  it('ends once, when all its parts have, as the worst of them', () => {
    const badness = { dropped: 0, done: 1, failed: 2 } as const;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<Fate>('done', 'dropped', 'failed'), { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (fates, order) => {
          const { envelope, records } = testRun();
          const parts = [...envelope('v').split(fates)].map((part) => ({ fate: part.value, part: take(part).part }));
          while (parts.length > 0) {
            expect(records()[0]?.verdict).toBeUndefined();
            const [next] = parts.splice(Number(order.next().value) % parts.length, 1);
            if (next?.fate === 'done') next.part.settle('done', { topic: 'out', partition: 0, offset: 1n });
            else if (next?.fate === 'dropped') next.part.settle('dropped', 'on purpose');
            else next?.part.settle('failed', new Error('no luck'));
          }
          const worst = fates.reduce((a, b) => (badness[a] >= badness[b] ? a : b));
          expect(records()[0]?.verdict?.outcome).toBe(worst);
          const verdict = records()[0]?.verdict;
          if (verdict?.outcome === 'failed') expect(verdict.outputs).toHaveLength(fates.filter((fate) => fate === 'done').length);
        },
      ),
    );
  });

  it('lets its lane go when its parts are handed over, and is settled when they are acknowledged', () => {
    const { envelope, of } = testRun();
    const record = envelope('v');
    const { part } = take(record);
    expect(of(record)).toMatchObject({ handed: false, verdict: undefined });
    part.handed();
    expect(of(record)).toMatchObject({ handed: true, verdict: undefined });
    expect(part.settle('done')).toBe(true);
    expect(of(record).verdict?.outcome).toBe('done');
    expect(part.settle('failed', new Error('late'))).toBe(false);
    expect(of(record).verdict?.outcome).toBe('done');
  });

  it('that is given back hears no more of its parts, made before or after', () => {
    const { envelope, of, giveBack } = testRun();
    const record = envelope('v');
    const parts = record.split([1, 2, 3])[Symbol.iterator]();
    const first = take(parts.next().value as Envelope<number>).part;
    giveBack('revoked');
    const second = parts.next().value as Envelope<number> | undefined;
    expect([first.live, first.settle('done')]).toEqual([false, false]);
    if (second) expect(take(second).part.settle('done')).toBe(false);
    expect(of(record).verdict).toEqual({ outcome: 'given-back', reason: 'revoked' });
  });

  it('has the key that was set, also in what comes of it', () => {
    const { envelope } = testRun();
    const keyed = envelope('v').with(1, { key: { tenant: 7 } });
    const [part] = keyed.with(2, { headers: [] }).split([3]);
    expect([keyed.key, part?.key]).toEqual([{ tenant: 7 }, { tenant: 7 }]);
    expect(envelope('w').with(1, { key: null }).key).toBeNull();
  });

  it('is used once: a second use says where', () => {
    const { envelope } = testRun();
    const record = envelope('v', { topic: 'in', partition: 3 });
    record.with(1);
    for (const use of [() => record.with(2), () => record.split([1]), () => Envelope.merge([record], 1)]) {
      expect(use).toThrow(expect.objectContaining({ code: 'lineage_reused', position: 'in/3@0' }));
    }
  });

  it('merged with others ends with them, and its call is theirs: only when all are given back is it over', () => {
    const { envelope, of, giveBack } = testRun();
    const [a, b] = [envelope('a'), envelope('b')];
    const { part } = take(Envelope.merge([a, b], 'ab'));
    const ended: string[] = [];
    part.onEnd((reason) => ended.push(reason));
    giveBack('revoked', a);
    expect([ended, part.live]).toEqual([[], true]);
    part.settle('done', { topic: 'out', partition: 0, offset: 4n });
    expect([of(a).verdict?.outcome, of(b).verdict?.outcome]).toEqual(['given-back', 'done']);
  });

  it('split into more parts than allowed, or by an iterator that throws, fails and keeps what went out', () => {
    const { envelope, of } = testRun();
    const record = envelope('v');
    const made: Envelope<number>[] = [];
    expect(() => {
      for (const part of record.split([1, 2, 3], { maxParts: 2 })) made.push(part);
    }).toThrow('more than 2 parts');
    for (const part of made) take(part).part.settle('done');
    expect(of(record).verdict).toMatchObject({ outcome: 'failed', error: { code: 'too_many_parts' } });
  });

  it('split into nothing is dropped', () => {
    const { envelope, of } = testRun();
    const record = envelope('v');
    expect([...record.split([])]).toEqual([]);
    expect(of(record).verdict).toEqual({ outcome: 'dropped', reason: 'split into no parts' });
  });
});
