import { describe, expect, it } from 'vitest';
import { Window } from '../../src/flow/window.state.ts';

describe('Window', () => {
  it('closes at its caps and opens below them', () => {
    const window = new Window({ maxBytesInFlight: 100, maxRecordsInFlight: 3 });
    expect(window.closedBy(60, 0)).toBeUndefined();
    window.take(60);
    expect(window.closedBy(40, 0)).toBeUndefined();
    expect(window.closedBy(41, 0)).toBe('bytes in flight');
    window.take(10);
    window.take(10);
    expect(window.closedBy(1, 0)).toBe('records in flight');
    window.release(60);
    expect([window.closedBy(80, 0), window.closedBy(81, 0), window.records, window.bytes]).toEqual([undefined, 'bytes in flight', 2, 20]);
  });

  it('lets a record above the byte cap pass when it is alone', () => {
    const window = new Window({ maxBytesInFlight: 100, maxRecordsInFlight: 3 });
    expect(window.closedBy(1_000, 0)).toBeUndefined();
    window.take(1);
    expect(window.closedBy(1_000, 0)).toBe('bytes in flight');
  });

  it('shrinks to a share of its caps, and to nothing', () => {
    const window = new Window({ maxBytesInFlight: 100, maxRecordsInFlight: 8 });
    window.shrink(0.5, 'memory');
    for (let i = 0; i < 3; i += 1) window.take(10);
    expect([window.closedBy(20, 0), window.closedBy(21, 0), window.share]).toEqual([undefined, 'memory', 0.5]);
    window.take(10);
    expect(window.closedBy(1, 0)).toBe('memory');
    window.shrink(1, '');
    expect([window.closedBy(60, 0), window.closedBy(61, 0)]).toEqual([undefined, 'bytes in flight']);
    for (let i = 0; i < 4; i += 1) window.release(10);
    window.shrink(0.01, 'memory');
    expect(window.closedBy(1_000, 0)).toBeUndefined(); // one goes on at a time, whatever its size
    window.shrink(0, 'memory');
    expect(window.closedBy(1, 0)).toBe('memory');
  });

  it('is held until the latest time of each reason', () => {
    const window = new Window({ maxBytesInFlight: 100, maxRecordsInFlight: 3 });
    window.hold('budget', 50);
    window.hold('budget', 30);
    window.hold('breaker', 70);
    expect([0, 49, 50, 69, 70].map((nowMs) => window.closedBy(1, nowMs))).toEqual(['budget', 'budget', 'breaker', 'breaker', undefined]);
    expect(window.holds(60)).toEqual([{ reason: 'breaker', untilMs: 70 }]);
    expect(window.holds(70)).toEqual([]);
  });

  it.each([
    { rule: 'lets all in while an eighth is left', taken: 6, holding: { inFlight: 6, bytesInFlight: 6 }, kept: false },
    { rule: 'keeps the last eighth from who holds its share', taken: 7, holding: { inFlight: 4, bytesInFlight: 4 }, kept: true },
    { rule: 'keeps it from who holds its share in bytes', taken: 7, holding: { inFlight: 1, bytesInFlight: 400 }, kept: true },
    { rule: 'leaves it to who holds less', taken: 7, holding: { inFlight: 3, bytesInFlight: 3 }, kept: false },
  ])('$rule', ({ taken, holding, kept }) => {
    const window = new Window({ maxRecordsInFlight: 8, maxBytesInFlight: 800 });
    for (let i = 0; i < taken; i += 1) window.take(1);
    expect(window.isKeptFrom({ share: 0.5, ...holding })).toBe(kept);
  });

  it('keeps the last eighth of what it was shrunk to, and of its bytes', () => {
    const window = new Window({ maxRecordsInFlight: 80, maxBytesInFlight: 800 });
    window.take(700);
    expect(window.isKeptFrom({ share: 0.5, inFlight: 1, bytesInFlight: 400 })).toBe(true);
    expect(window.isKeptFrom({ share: 1, inFlight: 1, bytesInFlight: 700 })).toBe(false);
    window.release(700);
    for (let i = 0; i < 7; i += 1) window.take(0);
    window.shrink(0.1, 'memory');
    expect(window.isKeptFrom({ share: 0.5, inFlight: 4, bytesInFlight: 0 })).toBe(true);
  });
});
