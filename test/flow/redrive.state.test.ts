import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passed, type RedriveProgress, resumeRedrive, storedProgress, wasSent } from '../../src/flow/redrive.state.ts';

/** Each letter: the gap before it, and for which of up to three runs it is meant. */
const letters = fc.array(fc.record({ gap: fc.nat({ max: 3 }), run: fc.nat({ max: 2 }) }), { maxLength: 60 });

describe('redrive progress', () => {
  it('sends every letter once, whichever runs are meant to, and wherever each is cut off', () => {
    fc.assert(
      fc.property(letters, fc.array(fc.record({ run: fc.nat({ max: 2 }), until: fc.nat({ max: 60 }) }), { maxLength: 12 }), (log, runs) => {
        let at = 0n;
        const offsets = log.map(({ gap }) => (at += BigInt(gap + 1)));
        const sent = new Map<bigint, number>();
        let stored: { offset: bigint; metadata: string } | undefined;
        const whole = [0, 1, 2].map((run) => ({ run, until: log.length }));
        for (const { run, until } of [...runs, ...whole]) {
          let progress = resumeRedrive(stored?.offset ?? 0n, stored);
          for (const [i, offset] of offsets.entries()) {
            if (i >= until || offset < progress.next) continue;
            if (wasSent(progress, offset)) progress = passed(progress, offset, true);
            else if (log[i]?.run !== run) progress = passed(progress, offset, false);
            else {
              sent.set(offset, (sent.get(offset) ?? 0) + 1);
              progress = passed(progress, offset, true);
              const next = storedProgress(progress);
              expect(next.isWhole).toBe(true);
              // two states that are stored alike could not be told apart after a lost answer
              expect({ offset: next.offset, metadata: next.metadata }).not.toEqual(stored);
              stored = { offset: next.offset, metadata: next.metadata };
            }
          }
        }
        expect(offsets.map((offset) => sent.get(offset) ?? 0)).toEqual(offsets.map(() => 1));
      }),
    );
  });

  it('says when what was sent is more than can be noted', () => {
    let progress: RedriveProgress = passed(resumeRedrive(0n, undefined), 0n, false);
    let pairs = 0;
    // three bytes for each pair of numbers, of 3,070
    for (; storedProgress(progress).isWhole && pairs < 3_000; pairs += 1) {
      progress = passed(progress, progress.next, false);
      progress = passed(progress, progress.next + 200n, true);
    }
    expect(pairs).toBe(1_024);
    expect(storedProgress(progress).isWhole).toBe(false);
  });

  it('begins anew where the log is another one', () => {
    const stored = { offset: 50n, metadata: storedProgress(passed(passed(resumeRedrive(50n, undefined), 50n, false), 51n, true)).metadata };
    expect(wasSent(resumeRedrive(50n, stored), 51n)).toBe(true);
    expect(resumeRedrive(0n, stored)).toEqual({ next: 0n, left: undefined, sent: [] });
  });

  it('refuses what is no map of letters', () => {
    expect(() => resumeRedrive(5n, { offset: 5n, metadata: 'somebody' })).toThrow(RangeError);
  });
});
