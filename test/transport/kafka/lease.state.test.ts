import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lease } from '../../../src/transport/kafka/lease.state.ts';

const sessionMs = 2_000;

describe('the lease of a group member', () => {
  it('ends a session after the last request that the broker has answered', () => {
    const lease = new Lease(sessionMs, 0);
    lease.renewed(300);
    expect([2_300, 2_301].map((nowMs) => lease.hasEnded(nowMs))).toEqual([false, true]);
  });

  it('is not prolonged by an answer that waited while the process stood still', () => {
    const lease = new Lease(sessionMs, 0);
    // sent at 300, stopped at 301, goes on at 3,301 and reads the answer first
    lease.renewed(300);
    expect(lease.hasEnded(3_301)).toBe(true);
  });

  it('never goes back: answers may overtake each other', () => {
    const lease = new Lease(sessionMs, 0);
    lease.renewed(900);
    lease.renewed(300);
    expect(lease.hasEnded(2_900)).toBe(false);
  });

  it('lasts as long as a join does, if the process runs all the time', () => {
    const lease = new Lease(sessionMs, 0);
    lease.joining();
    for (let nowMs = 0; nowMs <= 9_500; nowMs += 500) {
      expect(lease.hasEnded(nowMs)).toBe(false);
      lease.runs(nowMs);
    }
    lease.joined(true);
    expect([11_500, 11_501].map((nowMs) => lease.hasEnded(nowMs))).toEqual([false, true]);
  });

  it('ends in a join that the process slept through', () => {
    const lease = new Lease(sessionMs, 0);
    lease.joining();
    lease.runs(500);
    expect(lease.hasEnded(3_500)).toBe(true);
    lease.joined(true); // the answer lay in the socket
    expect(lease.hasEnded(3_500)).toBe(true);
  });

  it('is not prolonged by a join that broke', () => {
    const lease = new Lease(sessionMs, 0);
    lease.joining();
    lease.runs(1_900);
    lease.joined(false);
    expect(lease.hasEnded(2_001)).toBe(true);
  });

  it('holds only while the process ran, or the broker heard of it, within a session', () => {
    const event = fc.record({ what: fc.constantFrom('runs', 'sent', 'joining', 'joined', 'broken'), afterMs: fc.nat(1_500) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), fc.nat(6_000), (events, stillMs) => {
        const lease = new Lease(sessionMs, 0);
        let nowMs = 0;
        for (const { what, afterMs } of events) {
          nowMs += afterMs;
          if (what === 'runs') lease.runs(nowMs);
          else if (what === 'sent') lease.renewed(nowMs);
          else if (what === 'joining') lease.joining();
          else lease.joined(what === 'joined');
        }
        // whatever went before, standing still for a session ends it
        expect(lease.hasEnded(nowMs + sessionMs + 1 + stillMs)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
