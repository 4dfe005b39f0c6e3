import { of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin, mapConcurrent, unbatch } from '../../../operators/index.ts';
import { call, currentScope } from '../../../src/call.ts';
import { RecordError } from '../../../src/errors.ts';
import { feed } from '../../helpers/feed.ts';
import { byHand } from '../calls-by-hand.ts';

describe('a call of mapConcurrent', () => {
  describe('a batch', () => {
    const batch = (size: number) => {
      const work = new Subject<readonly string[]>();
      const signals: AbortSignal[] = [];
      const fed = feed<number, string>((source) =>
        source.pipe(
          batchWithin({ maxSize: size }),
          mapConcurrent(
            (_values: readonly number[], ctx) => {
              signals.push(ctx.signal);
              return work;
            },
            { concurrency: 1 },
          ),
          unbatch(),
        ),
      );
      return { ...fed, work, signals };
    };

    it('is aborted only when all its members are given back', () => {
      const { send, run, sent, work, signals } = batch(2);
      send(1, 2);
      run.giveBack('revoked', sent[0]);
      expect([work.observed, signals[0]?.aborted]).toEqual([true, false]);
      run.giveBack('revoked', sent[1]);
      expect([work.observed, signals[0]?.aborted]).toEqual([false, true]);
    });

    it('gives the members that are left their results', () => {
      const { send, run, sent, work, values, outcomes } = batch(2);
      send(1, 2);
      run.giveBack('revoked', sent[0]);
      work.next(['a', 'b']);
      work.complete();
      expect([values(), outcomes()]).toEqual([['b'], ['given-back: revoked', 'done']]);
    });

    it('fails all members at the earliest deadline, each by its own position', async () => {
      const { source, run, work } = batch(2);
      source.next(run.envelope(1, { timeMs: 1000 }));
      source.next(run.envelope(2, { timeMs: 100 }));
      await run.clock.advance(100);
      run.expire();
      expect(work.observed).toBe(false);
      expect(run.failures.map((error) => 'position' in error && error.position)).toEqual(['test/0@0', 'test/0@1']);
    });
  });

  describe('the scope of a call', () => {
    it('carries the record, the clock and the hold of the pipeline', () => {
      const fed = feed<number, number>(
        mapConcurrent(
          (value, ctx) => {
            const scope = currentScope();
            scope.hold('busy', 7);
            expect([scope.position, scope.deadlineMs, scope.key]).toEqual([ctx.position, ctx.deadlineMs, ctx.key]);
            expect([ctx.position?.offset, ctx.deadlineMs, ctx.attempt]).toEqual([0n, 600_000, 1]);
            expect(scope.clock).toBe(fed.run.clock);
            return of(value);
          },
          { concurrency: 1 },
        ),
      );
      fed.send(1);
      expect(fed.outcomes()).toEqual(['done']);
      expect(fed.run.holds).toEqual([{ reason: 'busy', untilMs: 7 }]);
    });

    it('is its own for a call that starts when another ends', async () => {
      const positions: unknown[] = [];
      const fed = feed<number, number>(
        mapConcurrent(
          (value) =>
            call(async () => {
              await Promise.resolve();
              positions.push(currentScope().position?.offset);
              return value;
            }),
          { concurrency: 1 },
        ),
      );
      fed.send(1, 2, 3);
      await fed.run.clock.advance(0);
      expect(positions).toEqual([0n, 1n, 2n]);
      expect(fed.outcomes()).toEqual(['done', 'done', 'done']);
    });

    it('counts tries for the record', () => {
      const fed = feed<number, number>(
        mapConcurrent(
          () => {
            Object.assign(currentScope().tries, { count: 3, hasOperator: true });
            return throwError(() => new RecordError('model_rejected', 'no'));
          },
          { concurrency: 1 },
        ),
      );
      fed.send(1);
      expect(fed.sent[0] && fed.run.of(fed.sent[0]).attempts).toBe(3);
    });

    it('does not abort the signal of a call that completed', () => {
      const { send, contexts, answer } = byHand({ concurrency: 1 });
      send(1);
      const signal = contexts.get(1)?.signal;
      answer(1, 'a');
      expect(signal?.aborted).toBe(false);
    });
  });
});
