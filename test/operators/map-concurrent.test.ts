import { map, Observable, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent, type MapConcurrentOptions } from '../../operators/index.ts';
import type { CallContext } from '../../src/call.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';
import { byHand } from './calls-by-hand.ts';

describe('mapConcurrent', () => {
  it.each([
    { rule: 'order completed: results leave as they come', order: 'completed', out: '-----b-a----(c|)' },
    { rule: 'order input: results wait for their turn', order: 'input', out: '-------(ab)-(c|)' },
  ] as const)('$rule, at most 2 at a time', ({ order, out }) => {
    marbles(({ hot, cold, run, expectObservable, expectSubscriptions }) => {
      const calls = { a: cold('------(a|)'), b: cold('---(b|)'), c: cold('-------(c|)') };
      const input = hot<Envelope<'a' | 'b' | 'c'>>('-abc----|', { a: run.envelope('a'), b: run.envelope('b'), c: run.envelope('c') });
      const result = input.pipe(
        mapConcurrent((value) => calls[value], { concurrency: 2, order }),
        map(({ value }) => value),
      );
      expectObservable(result).toBe(out);
      expectSubscriptions(calls.a.subscriptions).toBe('-^-----!');
      expectSubscriptions(calls.b.subscriptions).toBe('--^--!');
      expectSubscriptions(calls.c.subscriptions).toBe('-----^------!');
      expectSubscriptions(input.subscriptions).toBe('^-------!');
    });
  });

  it.each([
    { end: 'an error', source: '-ab-#', until: '', out: '----#' },
    { end: 'unsubscription', source: '-ab--', until: '----!', out: '----' },
  ])('aborts its calls on $end and leaves their records open', ({ source, until, out }) => {
    marbles(({ hot, cold, run, expectObservable, expectSubscriptions, flush }) => {
      const envelopes = { a: run.envelope('a'), b: run.envelope('b') };
      const work = cold('-----------|');
      const signals: AbortSignal[] = [];
      const project = (_value: string, ctx: CallContext): Observable<string> => {
        signals.push(ctx.signal);
        return work;
      };
      expectObservable(hot(source, envelopes).pipe(mapConcurrent(project, { concurrency: 1 })), until || undefined).toBe(out);
      expectSubscriptions(work.subscriptions).toBe('-^--!');
      flush();
      expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
      expect(run.records().map(({ verdict }) => verdict)).toEqual([undefined, undefined]);
    });
  });

  describe.each(['completed', 'input'] as const)('in order %s', (order) => {
    it('makes a part of each result, as it comes, in order, and settles the record after the last', () => {
      const { calls, send, values, outcomes, answer } = byHand({ concurrency: 1, order });
      send(1);
      calls.get(1)?.next('a');
      expect(values()).toEqual(['a']);
      expect(outcomes()).toEqual(['open']);
      answer(1, 'b', 'c');
      expect([values(), outcomes()]).toEqual([['a', 'b', 'c'], ['done']]);
    });

    it('fails a record without a result, and goes on', () => {
      const { send, answer, outcomes, running } = byHand({ concurrency: 1, order });
      send(1, 2);
      answer(1);
      expect([outcomes(), [...running]]).toEqual([['failed: no_result', 'open'], [2]]);
    });

    it('fails a record whose call fails after results, and lists what went out', () => {
      const { send, calls, outcomes, run, sent, ended } = byHand({ concurrency: 1, order });
      send(1);
      calls.get(1)?.next('a');
      calls.get(1)?.error(new Error('cut off'));
      expect([outcomes(), ended()]).toEqual([['failed: cut off'], 'open']);
      expect(sent[0] && run.of(sent[0]).verdict).toMatchObject({ outputs: [{ offset: 0n }], attempts: 1 });
    });

    it('fails a record with more than maxResults, and aborts its call', () => {
      const { send, calls, outcomes, values, running } = byHand({ concurrency: 1, order, maxResults: 2 });
      send(1);
      for (const value of ['a', 'b', 'c', 'd']) calls.get(1)?.next(value);
      expect([values(), outcomes(), [...running]]).toEqual([['a', 'b'], ['failed: too_many_parts'], []]);
    });

    it('completes after the last call, also when it fails', () => {
      const { send, source, calls, ended, answer } = byHand({ concurrency: 1, order });
      send(1, 2);
      source.complete();
      answer(1, 'a');
      expect(ended()).toBe('open');
      calls.get(2)?.error(new Error('no'));
      expect(ended()).toBe('complete');
    });

    it('aborts the call of a record that is given back, in silence, and starts the next that is live', () => {
      const { send, running, contexts, run, sent, outcomes, values, answer } = byHand({ concurrency: 1, order });
      send(1, 2, 3);
      run.giveBack('revoked', sent[1]);
      run.giveBack('revoked', sent[0]);
      expect([...running]).toEqual([3]);
      expect(contexts.get(1)?.signal.aborted).toBe(true);
      answer(3, 'c');
      expect(outcomes()).toEqual(['given-back: revoked', 'given-back: revoked', 'done']);
      expect([values(), run.failures]).toEqual([['c'], []]);
    });

    it('aborts the call at the deadline and fails the record', async () => {
      const { source, running, contexts, run, answer, values, out } = byHand({ concurrency: 1, order });
      const envelope = run.envelope(1, { timeMs: 100 });
      source.next(envelope);
      await run.clock.advance(100);
      const { signal } = contexts.get(1) ?? {};
      run.expire();
      expect(run.of(envelope).verdict).toMatchObject({ outcome: 'failed', error: { code: 'deadline_exceeded' }, attempts: 1 });
      expect([[...running], signal?.aborted]).toEqual([[], true]);
      answer(1, 'late');
      expect([values(), out]).toEqual([[], []]);
    });

    it('does not overflow the stack with 100,000 calls that complete at once', () => {
      const fed = feed<number, number>(mapConcurrent((value) => (value === 0 ? gate : of(value)), { concurrency: 1, order }));
      const gate = new Subject<number>();
      for (let i = 0; i < 100_000; i += 1) fed.source.next(fed.run.envelope(i));
      gate.next(0);
      gate.complete();
      expect(fed.out).toHaveLength(100_000);
      expect(fed.values().every((value, i) => value === i)).toBe(true);
    });
  });

  it('never runs more calls than concurrency, and takes records in order', () => {
    const { send, started, running, answer } = byHand({ concurrency: 2 });
    send(1, 2, 3, 4);
    expect(started).toEqual([1, 2]);
    answer(2, 'b');
    expect([started, [...running]]).toEqual([
      [1, 2, 3],
      [1, 3],
    ]);
  });

  it('in order input, lets a record pass that failed or was given back before its turn', () => {
    const { send, calls, answer, values, run, sent } = byHand({ concurrency: 4, order: 'input' });
    send(1, 2, 3, 4);
    calls.get(2)?.next('b');
    calls.get(2)?.error(new Error('no'));
    answer(3, 'c');
    answer(4, 'd');
    run.giveBack('revoked', sent[2]);
    expect(values()).toEqual([]);
    answer(1, 'a');
    expect(values()).toEqual(['a', 'd']); // b failed before it could leave
  });

  it('in order input, fails results that wait for their turn beyond the deadline', async () => {
    const { source, answer, run, values } = byHand({ concurrency: 2, order: 'input' });
    source.next(run.envelope(1));
    const second = run.envelope(2, { timeMs: 100 });
    source.next(second);
    answer(2, 'b');
    await run.clock.advance(100);
    run.expire();
    expect(run.of(second).verdict).toMatchObject({ error: { code: 'deadline_exceeded' } });
    answer(1, 'a');
    expect(values()).toEqual(['a']);
  });

  it('starts no call for a record whose time is up', async () => {
    const second = feed<number, number>((source) =>
      source.pipe(
        mapConcurrent((value: number) => of(value), { concurrency: 1 }),
        map((envelope) => envelope),
        mapConcurrent((value: number) => (value === 1 ? gate : of(value)), { concurrency: 1 }),
      ),
    );
    const gate = new Subject<number>();
    second.source.next(second.run.envelope(1, { timeMs: 500 }));
    const waiting = second.run.envelope(2, { timeMs: 100 });
    second.source.next(waiting); // its first call began its time
    await second.run.clock.advance(100);
    gate.next(1);
    gate.complete();
    expect(second.run.of(waiting).verdict).toMatchObject({ error: { code: 'deadline_exceeded' } });
    expect(second.values()).toEqual([1]);
  });

  it('does not let a wait for its turn count against a record', async () => {
    const { source, run, running, answer } = byHand({ concurrency: 1 });
    source.next(run.envelope(1));
    const patient = run.envelope(2, { timeMs: 100 });
    source.next(patient);
    await run.clock.advance(150);
    run.expire(patient);
    answer(1, 'a');
    expect([[...running], patient.deadlineMs]).toEqual([[2], 250]);
  });

  it.each([
    {
      rule: 'a throw',
      project: () => {
        throw new Error('typo');
      },
      message: 'typo',
    },
    {
      rule: 'a promise',
      project: () => Promise.reject(new Error('x')),
      message: 'it returned a promise, which mapConcurrent does not wait for: use mapConcurrent(() => call(async (ctx) => …))',
    },
    { rule: 'no Observable', project: () => 'text', message: 'it must return an Observable, got string' },
  ])('fails the record for $rule in project, and goes on', ({ project, message }) => {
    const fed = feed<number, number>(mapConcurrent((value) => (value === 1 ? (project() as never) : of(value)), { concurrency: 1 }));
    fed.send(1, 2);
    expect(fed.outcomes()).toEqual(['failed: project_threw', 'done']);
    expect(fed.run.failures[0]?.message).toBe(`the function given to mapConcurrent threw for record test/0@0: ${message}`);
  });

  it('fails the record for what is no Error', () => {
    const fed = feed<number, number>(
      mapConcurrent(
        () =>
          new Observable<number>((out) => {
            out.error('text');
          }),
        { concurrency: 1 },
      ),
    );
    fed.send(1);
    expect(fed.outcomes()).toEqual(['failed: project_threw']);
  });

  it('stops a synchronous call when downstream leaves, or its record is given back', () => {
    for (const leave of ['unsubscribe', 'giveBack'] as const) {
      let made = 0;
      const endless = new Observable<number>((out) => {
        while (!out.closed && made < 1000) out.next((made += 1));
      });
      const fed = feed<number, number>((source) =>
        source.pipe(
          mapConcurrent(() => endless, { concurrency: 1 }),
          map((envelope) => {
            if (leave === 'unsubscribe') fed.unsubscribe();
            else fed.run.giveBack('revoked');
            return envelope;
          }),
        ),
      );
      fed.send(1);
      expect(made).toBe(2);
    }
  });

  it.each([
    [{ concurrency: 0 }, 'mapConcurrent.concurrency must be an integer >= 1, got 0'],
    [{ concurrency: 1, order: 'random' }, 'mapConcurrent.order must be one of completed, input, got "random"'],
    [{ concurrency: 1, maxResults: 0 }, 'mapConcurrent.maxResults must be an integer >= 1, got 0'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => mapConcurrent(() => of(1), options as MapConcurrentOptions)).toThrow(message);
  });
});
