import { defer, EMPTY, NEVER, type Observable, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin, mapConcurrent, retryWithBackoff, unbatch } from '../../../operators/index.ts';
import { currentScope } from '../../../src/call.ts';
import { OverloadError } from '../../../src/errors.ts';
import { testRun } from '../../../src/testing.ts';
import { feed } from '../../helpers/feed.ts';

const aGate = () => {
  const waiting: (() => void)[] = [];
  return {
    whenOpen: (go: () => void): void => {
      waiting.push(go);
    },
    open: (): void => {
      for (const go of waiting) go();
    },
  };
};

/** A call that waits until `gate` opens, and gives `result` `workMs` later. */
const waitsFor = <T>(gate: ReturnType<typeof aGate>, result: T, workMs = 40, leftMs: number[] = []): Observable<T> =>
  defer(() => {
    const scope = currentScope();
    const { clock } = scope;
    const goOn = scope.suspend('the gate is shut');
    const out = new Subject<T>();
    gate.whenOpen(() => {
      goOn();
      goOn();
      leftMs.push(scope.deadlineMs - clock.nowMs());
      clock.schedule(workMs, () => {
        out.next(result);
        out.complete();
      });
    });
    return out;
  });

describe('a call that waits for a policy', () => {
  it('does not use up the time of its record, which ctx and scope know', async () => {
    const gate = aGate();
    const left: number[] = [];
    const { run, source, outcomes, sent } = feed<number, string>(
      mapConcurrent(
        (_value, ctx) => {
          gate.whenOpen(() => left.push(ctx.deadlineMs - run.clock.nowMs()));
          return waitsFor(gate, 'ok', 40, left);
        },
        { concurrency: 1 },
      ),
    );
    sent.push(run.envelope(1, { timeMs: 100 }));
    source.next(sent[0] as never);
    await run.clock.advance(500);
    run.expire();
    expect([outcomes(), [...(run.run.waits ?? [])]]).toEqual([['open'], [['the gate is shut', 1]]]);
    gate.open();
    await run.clock.advance(40);
    expect([outcomes(), left, run.run.waits?.size]).toEqual([['done'], [100, 100], 0]);
  });

  it('has the rest of its time afterwards, and no more', async () => {
    const gate = aGate();
    const { run, source, sent, outcomes } = feed<number, string>(mapConcurrent(() => waitsFor(gate, 'ok'), { concurrency: 1 }));
    sent.push(run.envelope(1, { timeMs: 30 }));
    source.next(sent[0] as never);
    await run.clock.advance(500);
    gate.open();
    await run.clock.advance(29);
    run.expire();
    expect(outcomes()).toEqual(['open']);
    await run.clock.advance(1);
    run.expire();
    expect(outcomes()).toEqual(['failed: deadline_exceeded']);
  });

  it('stops the time of all members of a batch', async () => {
    const gate = aGate();
    const { run, source, sent, outcomes } = feed<number, string>((from) =>
      from.pipe(
        batchWithin({ maxSize: 2 }),
        mapConcurrent(() => waitsFor<readonly string[]>(gate, ['a', 'b']), { concurrency: 1 }),
        unbatch(),
      ),
    );
    for (const timeMs of [1000, 100]) {
      const one = run.envelope(1, { timeMs });
      sent.push(one);
      source.next(one);
    }
    await run.clock.advance(5000);
    run.expire();
    expect(outcomes()).toEqual(['open', 'open']);
    gate.open();
    await run.clock.advance(30);
    expect(sent.map(({ deadlineMs }) => deadlineMs - run.clock.nowMs())).toEqual([970, 70]);
    await run.clock.advance(10);
    expect(outcomes()).toEqual(['done', 'done']);
  });

  it.each(['ended', 'stopped'])('lets the time go on when it has %s without ending its wait', async (how) => {
    const run = testRun();
    const source = new Subject<ReturnType<typeof run.envelope<number>>>();
    const forgets = defer(() => {
      currentScope().suspend('for ever');
      return how === 'ended' ? of('a') : NEVER;
    });
    const subscription = source.pipe(mapConcurrent(() => forgets, { concurrency: 1 })).subscribe();
    const one = run.envelope(1, { timeMs: 100 });
    source.next(one);
    subscription.unsubscribe();
    await run.clock.advance(100);
    expect([one.deadlineMs, run.run.waits?.size]).toEqual([100, 0]);
  });

  it.each([
    { by: 'retryWithBackoff', own: true },
    { by: "the pipeline's default retry", own: false },
  ])('of an overload: $by', async ({ own }) => {
    let calls = 0;
    const busy = defer(() => {
      calls += 1;
      if (calls < 4) throw new OverloadError('busy', { retryAfterMs: 10_000 });
      return of('ok');
    });
    const call = own ? busy.pipe(retryWithBackoff({ random: () => 0 })) : busy;
    const { run, source, sent, outcomes } = feed<number, string>(mapConcurrent(() => call, { concurrency: 1 }));
    Object.assign(run.run, { retry: { attempts: 2, initialMs: 0, maxMs: 0 } });
    sent.push(run.envelope(1, { timeMs: 5000 }));
    source.next(sent[0] as never);
    for (let i = 0; i < 3; i += 1) {
      await run.clock.advance(10_000);
      run.expire();
    }
    expect([outcomes(), calls, run.run.waits?.size]).toEqual([['done'], 4, 0]);
  });

  it('a retry that is given back waits for nothing any more', async () => {
    const busy = defer(() => {
      throw new OverloadError('busy', { retryAfterMs: 10_000 });
      return EMPTY;
    });
    const { run, send, outcomes } = feed<number, string>(mapConcurrent(() => busy.pipe(retryWithBackoff()), { concurrency: 1 }));
    send(1);
    expect(run.run.waits?.size).toBe(1);
    run.giveBack('revoked');
    await run.clock.runUntilIdle();
    expect([outcomes(), run.run.waits?.size]).toEqual([['given-back: revoked'], 0]);
  });
});
