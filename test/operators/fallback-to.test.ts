import { concat, defer, Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  batchWithin,
  fallbackTo,
  type FallbackToOptions,
  mapConcurrent,
  mapValue,
  retryWithBackoff,
  unbatch,
} from '../../operators/index.ts';
import { InferenceError, OverloadError, RecordError } from '../../src/errors.ts';
import { virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { mill } from '../helpers/mill.ts';
import { testScope, within } from '../helpers/scope.ts';

const down = new InferenceError('model_unavailable', 'down');
const fails = (error: unknown = down): Observable<never> => throwError(() => error as Error);

/** What a call emits, and with which marks. */
const marked = (work: Observable<unknown>, scope = testScope(virtualClock())) => {
  const seen: unknown[] = [];
  const subscription = within(scope, work).subscribe({
    next: (value) => seen.push([value, ...scope.degraded]),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  });
  return { seen, subscription };
};

describe('fallbackTo', () => {
  it('makes the other call when the first has failed, and not before', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const first = cold('---#', undefined, down);
      const other = cold('-b-(c|)');
      expectObservable(first.pipe(fallbackTo(other))).toBe('----b-(c|)');
      expectSubscriptions(first.subscriptions).toBe('^--!');
      expectSubscriptions(other.subscriptions).toBe('---^--!');
      const good = cold('-a-|');
      const unused = cold('-b|');
      expectObservable(good.pipe(fallbackTo(unused))).toBe('-a-|');
      expectSubscriptions(unused.subscriptions).toBe([]);
    });
  });

  it('aborts whichever runs when downstream leaves', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const slow = cold('---------|');
      const first = cold('--#', undefined, down);
      const other = cold('---------|');
      expectObservable(slow.pipe(fallbackTo(of('x'))), '---!').toBe('----');
      expectObservable(first.pipe(fallbackTo(other)), '-----!').toBe('------');
      expectSubscriptions(slow.subscriptions).toBe('^--!');
      expectSubscriptions(other.subscriptions).toBe('--^--!');
    });
  });

  it.each<{ what: string; error: unknown; options?: FallbackToOptions; taken: boolean }>([
    { what: 'a broken service', error: down, taken: true },
    { what: 'an overload', error: new OverloadError('busy'), taken: true },
    { what: 'a resource that is used up', error: new InferenceError('resource_exhausted', 'full'), taken: true },
    { what: 'a fault of the record', error: new RecordError('prompt_too_long', 'long'), taken: false },
    { what: 'a fault of the pipeline', error: new InferenceError('model_unauthorized', 'no'), taken: false },
    { what: 'a cancellation', error: new DOMException('stop', 'AbortError'), options: { when: () => true }, taken: false },
    {
      what: 'what when asks for',
      error: new RecordError('answer_refused', 'no'),
      options: { when: (_error, grade) => grade === 'record' },
      taken: true,
    },
    { what: 'what when does not ask for', error: down, options: { when: () => false }, taken: false },
  ])('takes $what: $taken', ({ error, options, taken }) => {
    const { seen } = marked(fails(error).pipe(fallbackTo(of('b'), options)));
    expect(seen).toEqual(taken ? [['b', 'fallback'], 'complete'] : [error]);
  });

  it('is a chain where there are several: each for what the one before could not do', () => {
    const asked: unknown[] = [];
    const small = defer(() => {
      asked.push('small');
      return fails();
    });
    const rule = (error: unknown): Observable<string> => {
      asked.push(error);
      return of('neutral');
    };
    const { seen } = marked(fails().pipe(fallbackTo(small, { step: 'small' }), fallbackTo(rule, { step: 'rule' })));
    expect([seen, asked]).toEqual([
      [['neutral', 'rule'], 'complete'],
      ['small', down],
    ]);
  });

  it('marks nothing when the first call, or a retry further out, does it after all', async () => {
    const scope = testScope(virtualClock());
    expect(marked(of('a').pipe(fallbackTo(of('b'))), scope).seen).toEqual([['a'], 'complete']);
    let calls = 0;
    const second = defer(() => ((calls += 1) === 1 ? fails() : of('a')));
    const { seen } = marked(second.pipe(fallbackTo(fails()), retryWithBackoff({ initialMs: 0 })), scope);
    await (scope.clock as ReturnType<typeof virtualClock>).advance(1);
    expect(seen).toEqual([['a'], 'complete']);
  });

  it('does not mix the pieces of two calls', () => {
    expect(marked(concat(of('a'), fails()).pipe(fallbackTo(of('b')))).seen).toEqual([['a'], down]);
  });

  it('comes after the retries inside of it; overloads are attempts then, or they would be waited out for ever', async () => {
    const clock = virtualClock();
    let calls = 0;
    const busy = defer(() => {
      calls += 1;
      return fails(new OverloadError('busy'));
    });
    const { seen } = marked(busy.pipe(retryWithBackoff({ attempts: 3 }), fallbackTo(of('b'))), testScope(clock));
    await clock.runUntilIdle();
    expect([calls, seen]).toEqual([3, [['b', 'fallback'], 'complete']]);
  });

  it.each([
    [
      'other',
      fallbackTo<never, string>(() => {
        throw new Error('typo');
      }),
    ],
    [
      'when',
      fallbackTo<never, string>(of('b'), {
        when: () => {
          throw new Error('typo');
        },
      }),
    ],
  ])('fails with what %s throws', (_what, operator) => {
    expect(marked(fails().pipe(operator)).seen).toEqual([new Error('typo')]);
  });

  it('frees what the first call held before the other begins', () => {
    let held = false;
    const ends = new Subject<never>();
    const first = new Observable<never>((out) => {
      held = true;
      out.add(() => {
        held = false;
      });
      out.add(ends.subscribe(out));
    });
    const { seen } = marked(first.pipe(fallbackTo(defer(() => of(held)))));
    ends.error(down);
    expect(seen).toEqual([[false, 'fallback'], 'complete']);
  });

  it.each<[FallbackToOptions, string]>([
    [{ step: '' }, 'fallbackTo.step must be a non-empty string'],
    [{ step: 'x'.repeat(101) }, 'fallbackTo.step must have at most 100 characters, got 101'],
    [{ when: 1 as never }, 'fallbackTo.when must be a function'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => fallbackTo(of(1), options)).toThrow(message);
  });
});

describe('what comes of a step that stood in for another', () => {
  const marks = async (process: Parameters<Awaited<ReturnType<typeof mill>>['start']>[0]) => {
    const m = await mill();
    await m.feed([1, 2].map((value) => ({ key: String(value), value })));
    const app = await m.start(process);
    await m.clock.advance(1000);
    await app.drain({ deadlineMs: 0 });
    return m.transport.broker
      .records('out', 0)
      .map(({ headers }) => headers.filter(([name]) => name === 'millrace-degraded').map(([, text]) => Buffer.from(text ?? []).toString()));
  };
  const callOf = (value: unknown): Observable<number> => (value === 1 ? fails() : of(2));

  it('says so in a header of its output, through further steps, and tells later calls', async () => {
    const told: (readonly string[])[] = [];
    const out = await marks((s) =>
      s.pipe(
        mapConcurrent((value) => callOf(value).pipe(fallbackTo(of(0), { step: 'rule' })), { concurrency: 1 }),
        mapValue((value) => value + 1),
        mapConcurrent(
          (value, ctx) => {
            told.push([...ctx.degraded]);
            return (value === 1 ? fails() : of(value)).pipe(fallbackTo(of(7), { step: 'default' }));
          },
          { concurrency: 1 },
        ),
      ),
    );
    expect([out, told]).toEqual([
      [['rule', 'default'], []],
      [['rule'], []],
    ]);
  });

  it('marks every member of a batch that it was done for', async () => {
    const out = await marks((s) =>
      s.pipe(
        batchWithin({ maxSize: 2 }),
        mapConcurrent((values) => fails().pipe(fallbackTo(of(values.map(() => 0)), { step: 'rule' })), { concurrency: 1 }),
        unbatch(),
      ),
    );
    expect(out).toEqual([['rule'], ['rule']]);
  });
});
