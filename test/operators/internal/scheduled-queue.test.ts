import { map, NEVER, Observable, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent, retryWithBackoff, withPermit } from '../../../operators/index.ts';
import { currentScope } from '../../../src/call.ts';
import { permits } from '../../../src/policies/permits.ts';
import { schedule, type ScheduleOptions } from '../../../src/policies/schedule.ts';
import { feed } from '../../helpers/feed.ts';
import { marbles } from '../../helpers/marbles.ts';
import { byHand } from '../calls-by-hand.ts';

const bySize = () => schedule<number>({ order: 'shortest', tokensOf: (value) => value });
/** Values are priorities. */
const urgent = (options: ScheduleOptions<number> = {}) =>
  schedule<number>({ order: 'priority', priorityOf: (value) => value, preempt: true, ...options });

describe('mapConcurrent with a schedule', () => {
  it('starts the shortest of those that wait', () => {
    marbles(({ hot, cold, run, expectObservable, expectSubscriptions }) => {
      const calls = { 9: cold('---(a|)'), 5: cold('--(b|)'), 1: cold('-(c|)') };
      const input = hot('-abc|', { a: run.envelope<9 | 5 | 1>(9), b: run.envelope<9 | 5 | 1>(5), c: run.envelope<9 | 5 | 1>(1) });
      const out = input.pipe(mapConcurrent((value) => calls[value], { concurrency: 1, schedule: bySize() }));
      expectObservable(out.pipe(map(({ value }) => value))).toBe('----ac-(b|)');
      expectSubscriptions(calls[9].subscriptions).toBe('-^--!');
      expectSubscriptions(calls[1].subscriptions).toBe('----^!');
      expectSubscriptions(calls[5].subscriptions).toBe('-----^-!');
    });
  });

  it('never runs more calls than concurrency, and completes after the last', () => {
    const { send, started, running, answer, source, ended } = byHand({ concurrency: 2, schedule: bySize() });
    send(5, 4, 3, 2, 1);
    expect([started, [...running]]).toEqual([
      [5, 4],
      [5, 4],
    ]);
    answer(5, 'x');
    source.complete();
    for (const value of [1, 4, 2, 3]) answer(value, 'x');
    expect([started, ended()]).toEqual([[5, 4, 1, 2, 3], 'complete']);
  });

  it('passes over what was given back, and frees its place', () => {
    const { send, started, run, sent, answer, running } = byHand({ concurrency: 1, schedule: bySize() });
    send(5, 1, 3);
    run.giveBack('revoked', sent[1]);
    answer(5, 'x');
    expect([started, [...running]]).toEqual([[5, 3], [3]]);
    run.giveBack('revoked', sent[2]);
    send(7);
    expect([...running]).toEqual([7]);
  });

  it('does not keep a window of dead records for each revoke', () => {
    const order = bySize();
    const fed = feed<number, number>(mapConcurrent(() => NEVER, { concurrency: 1, schedule: order }));
    for (let round = 0; round < 10; round += 1) {
      for (let i = 0; i < 500; i += 1) fed.send(i);
      fed.run.giveBack('revoked');
    }
    expect(order.describe(0).waiting).toBeLessThanOrEqual(1024);
    fed.unsubscribe();
    expect(order.describe(0)).toMatchObject({ waiting: 0, used: 0, limit: 0 });
  });

  it('fails the record for which the schedule has no answer, and goes on', () => {
    const fed = feed<number, number>(
      mapConcurrent((value: number) => of(value), {
        concurrency: 1,
        schedule: schedule<number>({ tokensOf: (value) => (value === 1 ? NaN : 1) }),
      }),
    );
    fed.send(1, 2);
    expect(fed.outcomes()).toEqual(['failed: project_threw', 'done']);
    expect(fed.run.failures[0]?.message).toMatch(/the function given to schedule threw for record test\/0@0: tokensOf must return/);
  });

  it('leaves open what waits when it is unsubscribed from, so that its deadline finds it', async () => {
    const { send, unsubscribe, run, sent, outcomes } = byHand({ concurrency: 1, schedule: bySize() });
    send(5, 1);
    unsubscribe();
    expect(outcomes()).toEqual(['open', 'open']);
    await run.clock.advance(600_000);
    run.expire();
    expect(run.of(sent[1] as never).verdict).toMatchObject({ error: { code: 'envelope_lost' } });
  });

  it('does not overflow the stack with 20,000 calls that complete at once', () => {
    const gate = new Subject<number>();
    const fed = feed<number, number>(mapConcurrent((value) => (value === 0 ? gate : of(value)), { concurrency: 1, schedule: schedule() }));
    for (let i = 0; i < 20_000; i += 1) fed.source.next(fed.run.envelope(i));
    gate.next(0);
    gate.complete();
    expect(fed.out).toHaveLength(20_000);
  });

  it('refuses what contradicts it', () => {
    const project = (value: number): Observable<number> => of(value);
    expect(() => mapConcurrent(project, { concurrency: 1, order: 'input', schedule: schedule() })).toThrow(
      "order 'input' and schedule contradict",
    );
    expect(() => mapConcurrent(project, { concurrency: 1, schedule: {} as never })).toThrow(
      'mapConcurrent.schedule must be schedule({ … })',
    );
    const held = schedule({ classes: { of: () => 'batch', heldBack: { interactive: 1 } } });
    expect(() => mapConcurrent(project, { concurrency: 1, schedule: held })).toThrow('must leave a place of concurrency (1)');
  });
});

describe('an urgent record', () => {
  it('takes the place of the least urgent call, which runs again afterwards and has lost no attempt', () => {
    const order = urgent();
    const { send, started, running, contexts, answer, outcomes, run, sent, values } = byHand({ concurrency: 2, schedule: order });
    send(3, 2, 8);
    expect([started, [...running], order.describe(0).numbers?.['preempted_calls']]).toEqual([[3, 2, 8], [3, 8], 1]);
    const first = contexts.get(2)?.signal;
    expect(first?.aborted).toBe(true);
    expect(outcomes()).toEqual(['open', 'open', 'open']);
    answer(8, 'urgent');
    expect([started, [...running], contexts.get(2)?.signal.aborted]).toEqual([[3, 2, 8, 2], [3, 2], false]);
    answer(2, 'again');
    expect([values(), outcomes()]).toEqual([
      ['urgent', 'again'],
      ['open', 'done', 'done'],
    ]);
    expect(run.of(sent[1] as never).attempts).toBe(1);
  });

  it('takes none while a place is free, none that is as urgent, and each record once', () => {
    const { send, started, running, answer } = byHand({ concurrency: 1, schedule: urgent() });
    send(2, 2);
    expect(started).toEqual([2]);
    send(5);
    expect([...running]).toEqual([5]);
    answer(5, 'x');
    send(9);
    expect([started, [...running]]).toEqual([[2, 5, 2], [2]]); // it was sent back before
    answer(2, 'x');
    expect([...running]).toEqual([9]);
  });

  it.each([{ when: 'a result has come', before: (calls: Map<number, Subject<string>>) => calls.get(1)?.next('a') }])(
    'does not take back a call when $when',
    ({ before }) => {
      const { send, running, calls } = byHand({ concurrency: 1, schedule: urgent() });
      send(1);
      before(calls);
      send(9);
      expect([...running]).toEqual([1]);
    },
  );

  it('does not take back a call whose answer has begun within it, or that has failed attempts, but another', () => {
    let running: number[] = [];
    const answering = new Map<number, () => void>();
    const fed = feed<number, number>(
      mapConcurrent(
        (value: number, ctx) =>
          new Observable<number>((out) => {
            const { tries } = currentScope();
            answering.set(value, () => (tries.answering = true));
            running.push(value);
            if (value === 2 && ctx.attempt === 1) out.error(Object.assign(new Error('busy'), { status: 500 }));
            return () => {
              running = running.filter((one) => one !== value);
            };
          }).pipe(retryWithBackoff({ random: () => 0 })),
        { concurrency: 3, schedule: urgent() },
      ),
    );
    fed.send(1, 2, 3);
    answering.get(1)?.();
    fed.send(9);
    expect([...running].sort()).toEqual([1, 9]); // 2 waits for its second attempt; 3 was the least urgent that could go
    fed.send(8);
    expect(fed.outcomes()).toEqual(['open', 'open', 'open', 'open', 'open']);
    expect([...running].sort()).toEqual([1, 9]);
  });

  it('finds the permit of the call before free', () => {
    const slots = permits(1);
    const seen: number[] = [];
    const fed = feed<number, number>(
      mapConcurrent(
        (value: number) =>
          new Observable<number>(() => {
            seen.push(value, slots.used);
          }).pipe(withPermit(slots)),
        { concurrency: 1, schedule: urgent() },
      ),
    );
    fed.send(1, 9);
    expect([seen, slots.waiting]).toEqual([[1, 1, 9, 1], 0]);
  });

  it('is not preempted by nothing: when taking one back frees its place in another way, the victim goes on waiting', () => {
    const order = urgent();
    const first = new Subject<number>();
    const started: number[] = [];
    const fed = feed<number, number>(
      mapConcurrent(
        (value: number) =>
          new Observable<number>((out) => {
            started.push(value);
            if (value === 4) return first.subscribe(out);
            if (value === 3 && started.length < 4)
              return () => {
                first.next(4);
                first.complete(); // its end frees a place in the middle of the preemption
              };
            return undefined;
          }),
        { concurrency: 2, schedule: order },
      ),
    );
    fed.send(3, 4, 9);
    expect(started).toEqual([3, 4, 9, 3]);
    expect(order.describe(0)).toMatchObject({ used: 2, waiting: 0 });
  });

  it('is given back as any other when its call was taken back', () => {
    const { send, run, sent, outcomes, running, answer } = byHand({ concurrency: 1, schedule: urgent() });
    send(1, 9);
    run.giveBack('revoked', sent[0]);
    answer(9, 'x');
    expect([outcomes(), [...running]]).toEqual([['given-back: revoked', 'done'], []]);
  });

  it('does not spend the time of the record whose call it takes back', async () => {
    const { source, run, running, answer, outcomes, unsubscribe } = byHand({ concurrency: 1, schedule: urgent() });
    const first = run.envelope(1, { timeMs: 100 });
    source.next(first);
    await run.clock.advance(40);
    source.next(run.envelope(9));
    await run.clock.advance(1_000);
    run.expire();
    expect([[...running], run.of(first).verdict]).toEqual([[9], undefined]);
    answer(9, 'x');
    expect([[...running], first.deadlineMs]).toEqual([[1], 1_100]);
    source.next(run.envelope(9));
    unsubscribe();
    expect([outcomes().length, first.deadlineMs]).toEqual([0, 1_100]);
  });

  it('leaves the time of one that waits again going, once nobody is there to call it', async () => {
    const { source, run, unsubscribe } = byHand({ concurrency: 1, schedule: urgent() });
    const first = run.envelope(1, { timeMs: 100 });
    source.next(first);
    source.next(run.envelope(9));
    unsubscribe();
    await run.clock.advance(100);
    run.expire(first);
    expect(run.of(first).verdict).toMatchObject({ error: { code: 'envelope_lost' } });
  });
});
