import { defer, Observable, of, repeat, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin, bisectOnError, type BisectOnErrorOptions, mapConcurrent, retryWithBackoff, unbatch } from '../../operators/index.ts';
import type { CallContext } from '../../src/call.ts';
import { InferenceError, isStreamError, OverloadError, PipelineError } from '../../src/errors.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';
import { mill, sorted, upTo, type Value } from '../helpers/mill.ts';

type Call = (values: readonly number[], ctx: CallContext) => Observable<readonly unknown[]>;

const refused = (): InferenceError => new InferenceError('model_rejected', 'refused');
const away = (): InferenceError => new InferenceError('model_unavailable', 'away');
const twice: Call = (values) => of(values.map((value) => value * 2));
const pickyAbout =
  (...bad: readonly number[]): Call =>
  (values, ctx) =>
    values.some((value) => bad.includes(value)) ? throwError(() => refused()) : twice(values, ctx);

/** `asked` are the calls that were made. */
function bisected(project: Call, options?: BisectOnErrorOptions, maxSize = 4) {
  const asked: string[] = [];
  const call: Call = (values, ctx) =>
    new Observable((out) => {
      asked.push(values.join(''));
      return project(values, ctx).subscribe(out);
    });
  const batches = feed<number, unknown>((source) =>
    source.pipe(batchWithin({ maxSize }), mapConcurrent(bisectOnError(call, options), { concurrency: 1 }), unbatch()),
  );
  return { ...batches, asked };
}

describe('bisectOnError', () => {
  it('makes one call where it suffices', () => {
    const { send, values, asked, outcomes } = bisected(twice);
    send(1, 2, 3, 4);
    expect([values(), asked, outcomes()]).toEqual([[2, 4, 6, 8], ['1234'], Array(4).fill('done')]);
  });

  it('fails the bad member alone, and counts the calls', () => {
    const { send, values, asked, outcomes, run } = bisected(pickyAbout(3));
    send(1, 2, 3, 4);
    expect(values()).toEqual([2, 4, 8]);
    expect(outcomes()).toEqual(['done', 'done', 'failed: model_rejected', 'done']);
    expect(asked).toEqual(['1234', '12', '34', '3', '4']);
    expect(run.records().map(({ attempts }) => attempts)).toEqual([5, 5, 5, 5]);
  });

  it('fails a batch of one as any call fails', () => {
    const { send, run, asked, source } = bisected(pickyAbout(1));
    send(1);
    source.complete();
    expect([asked, run.failures.map((one) => 'code' in one && one.code)]).toEqual([['1'], ['model_rejected']]);
  });

  it.each([
    { rule: 'too few results', call: (values) => of(values.slice(values.includes(2) ? 1 : 0)), got: 'got 0 results' },
    { rule: 'no array', call: ((values) => of(values.includes(2) ? 'ab' : values)) as Call, got: 'got a value of type string' },
    { rule: 'no value', call: (values) => (values.includes(2) ? of() : of(values)), got: 'got 0 arrays' },
    { rule: 'two values', call: (values) => (values.includes(2) ? of(values, values) : of(values)), got: 'got 2 arrays' },
    {
      rule: 'a throw',
      call: (values) => {
        if (values.includes(2)) throw new TypeError('unlucky');
        return of(values);
      },
      got: 'unlucky',
    },
  ])('cuts a call that gives $rule in two', ({ call, got }) => {
    const { send, values, outcomes, run } = bisected(call);
    send(1, 2, 3, 4);
    expect([values(), outcomes().filter((one) => one !== 'done')]).toEqual([[1, 3, 4], [expect.stringContaining('failed: ')]]);
    expect(run.failures[0]?.message).toContain(got);
  });

  it('passes on the errors among the results of a call', () => {
    const { send, asked, outcomes } = bisected((values) => of(values.map((value) => (value === 2 ? refused() : value))));
    send(1, 2, 3, 4);
    expect([asked, outcomes()[1]]).toEqual([['1234'], 'failed: model_rejected']);
  });

  it('refuses a project that returns a promise, with what to do', () => {
    const fed = feed<number, unknown>((source) =>
      source.pipe(
        batchWithin({ maxSize: 1 }),
        mapConcurrent(bisectOnError((() => Promise.reject(new Error('lost'))) as never), { concurrency: 1 }),
      ),
    );
    fed.send(1);
    expect(fed.run.failures[0]?.message).toMatch(/it returned a promise, which bisectOnError does not wait for/);
  });

  it.each<{ readonly error: Error; readonly calls: number }>([
    { error: away(), calls: 1 },
    { error: new PipelineError('model_unauthorized', 'a key is missing'), calls: 1 },
    { error: new DOMException('enough', 'AbortError'), calls: 1 },
  ])('does not cut what fails with $error.name: $error.message', ({ error, calls }) => {
    const { send, asked } = bisected(() => throwError(() => error));
    send(1, 2, 3, 4);
    expect(asked).toHaveLength(calls);
  });

  it('cuts what the caller says', () => {
    const { send, asked, outcomes } = bisected((values) => (values.length > 1 ? throwError(() => away()) : of(values)), {
      bisectIf: (error, grade) => grade === 'transient' && isStreamError(error) && error.code === 'model_unavailable',
    });
    send(1, 2, 3, 4);
    expect([asked.length, outcomes()]).toEqual([7, Array(4).fill('done')]);
  });

  it('fails the stream for no throw in bisectIf', () => {
    const { send, outcomes, ended } = bisected(pickyAbout(1), {
      bisectIf: () => {
        throw new Error('undecided');
      },
    });
    send(1, 2, 3, 4);
    expect([outcomes(), ended()]).toEqual([Array(4).fill('failed: undecided'), 'open']);
  });

  it.each([
    { maxCalls: 1, asked: ['1234'], failed: ['model_rejected', 'model_rejected', 'model_rejected', 'model_rejected'] }, // nothing is cut
    { maxCalls: 2, asked: ['1234', '12'], failed: ['not_singled_out', 'not_singled_out', 'not_singled_out', 'not_singled_out'] },
    { maxCalls: 3, asked: ['1234', '12', '34'], failed: ['not_singled_out', 'not_singled_out'] },
    { maxCalls: 4, asked: ['1234', '12', '34', '1'], failed: ['model_rejected', 'not_singled_out'] },
    { maxCalls: 5, asked: ['1234', '12', '34', '1', '2'], failed: ['model_rejected'] },
  ])('makes at most $maxCalls calls, and calls nobody bad who was not found to be', ({ maxCalls, asked, failed }) => {
    const fed = bisected(pickyAbout(1), { maxCalls });
    fed.send(1, 2, 3, 4);
    expect(fed.asked).toEqual(asked);
    expect(fed.outcomes().filter((one) => one !== 'done')).toEqual(failed.map((code) => `failed: ${code}`));
    const unclear = fed.run.failures.find((one) => isStreamError(one) && one.code === 'not_singled_out');
    if (unclear) expect(unclear.cause).toMatchObject({ code: 'model_rejected' });
  });

  it('fails no good member for a bad one, however many are bad', () => {
    const bad = upTo(128).filter((one) => one % 5 === 0);
    const fed = bisected(pickyAbout(...bad), {}, 128);
    fed.send(...upTo(128));
    expect(fed.outcomes()).toEqual(upTo(128).map((one) => (one % 5 === 0 ? 'failed: model_rejected' : 'done')));
  });

  describe('and attempts', () => {
    it('fails the half alone whose attempts are used up inside', async () => {
      const { send, run, outcomes, asked } = bisected((values, ctx) =>
        (values.length === 2 && values[0] === 3 ? throwError(() => away()) : pickyAbout(1)(values, ctx)).pipe(
          retryWithBackoff({ attempts: 2, initialMs: 10 }),
        ),
      );
      send(1, 2, 3, 4);
      await run.clock.advance(1_000);
      expect(outcomes()).toEqual(['failed: model_rejected', 'done', 'failed: model_unavailable', 'failed: model_unavailable']);
      expect(asked).toEqual(['1234', '12', '34', '1', '2']);
      expect(run.records()[0]?.attempts).toBe(6); // the half that was away was called twice
    });

    it('stops the pipeline for what stops it in a half, too', () => {
      const noKey = new PipelineError('model_unauthorized', 'a key is missing');
      const { send, outcomes, asked } = bisected((values) =>
        throwError(() => (values.length === 4 ? refused() : noKey)).pipe(retryWithBackoff({ attempts: 2 })),
      );
      send(1, 2, 3, 4);
      expect([outcomes(), asked]).toEqual([Array(4).fill('failed: model_unauthorized'), ['1234', '12']]);
    });

    it('goes on where it failed when the attempts are made around it', async () => {
      let tries = 0;
      const call: Call = (values, ctx) => (values.join('') === '34' && ++tries < 3 ? throwError(() => away()) : pickyAbout(1)(values, ctx));
      const asked: string[] = [];
      const seen: Call = (values, ctx) => {
        asked.push(values.join(''));
        return call(values, ctx);
      };
      const whole = bisectOnError(seen);
      const fed = feed<number, unknown>((source) =>
        source.pipe(
          batchWithin({ maxSize: 4 }),
          mapConcurrent(
            (values: readonly number[], ctx) =>
              (whole(values, ctx) as Observable<readonly unknown[]>).pipe(retryWithBackoff({ initialMs: 10 })),
            { concurrency: 1 },
          ),
          unbatch(),
        ),
      );
      fed.send(1, 2, 3, 4);
      await fed.run.clock.advance(1_000);
      expect(asked).toEqual(['1234', '12', '34', '34', '34', '1', '2']);
      expect(fed.outcomes()).toEqual(['failed: model_rejected', 'done', 'done', 'done']);
      expect(fed.run.records()[0]?.attempts).toBe(7);
    });

    it('waits out an overload in a half, which is no attempt', async () => {
      let busy = 3;
      const { send, run, outcomes, asked } = bisected((values, ctx) =>
        defer(() =>
          values.length === 2 && busy-- > 0
            ? throwError(() => new OverloadError('busy', { retryAfterMs: 50 }))
            : pickyAbout(1)(values, ctx),
        ).pipe(retryWithBackoff({ attempts: 1 })),
      );
      send(1, 2, 3, 4);
      await run.clock.advance(60_000);
      expect([outcomes(), asked.length]).toEqual([['failed: model_rejected', 'done', 'done', 'done'], 5]);
    });

    it('begins anew for who subscribes after its end', () => {
      let calls = 0;
      const call = bisectOnError<number, unknown>((values, ctx) => {
        calls += 1;
        return pickyAbout(1)(values, ctx);
      });
      const one = call([1, 2], {} as CallContext) as Observable<readonly unknown[]>;
      const seen: unknown[] = [];
      one.pipe(repeat(2)).subscribe({ next: (results) => seen.push(results), error: (error: unknown) => seen.push(error) });
      expect(seen).toEqual([
        [refused(), 4],
        [refused(), 4],
      ]);
      expect(calls).toBe(6);
    });
  });

  it('has no stack of its own: four thousand calls that fail at once', () => {
    const fed = bisected(() => throwError(() => refused()), {}, 2_000);
    fed.send(...upTo(2_000));
    expect(new Set(fed.outcomes())).toEqual(new Set(['failed: model_rejected']));
  });

  it('aborts the call that runs, and makes no other, when it is left', () => {
    marbles(({ hot, cold, run, expectObservable, expectSubscriptions }) => {
      const whole = cold<string[]>('--#', undefined, refused());
      const half = cold('-----(r|)', { r: ['A'] });
      const other = cold('-(r|)', { r: ['B'] });
      const call = bisectOnError<string, string>((values) => (values.length > 1 ? whole : values[0] === 'a' ? half : other));
      const input = hot<Envelope<string>>('-ab-------', { a: run.envelope('a'), b: run.envelope('b') });
      const result = input.pipe(batchWithin({ maxSize: 2 }), mapConcurrent(call, { concurrency: 1 }));
      expectObservable(result, '------!').toBe('------');
      expectSubscriptions(whole.subscriptions).toBe('--^-!');
      expectSubscriptions(half.subscriptions).toBe('----^-!');
      expectSubscriptions(other.subscriptions).toBe([]);
    });
  });

  it('makes one call at a time', () => {
    marbles(({ hot, cold, run, expectObservable, expectSubscriptions }) => {
      const whole = cold<string[]>('--#', undefined, refused());
      const half = cold('---(r|)', { r: ['A'] });
      const other = cold<string[]>('-#', undefined, refused());
      const call = bisectOnError<string, string>((values) => (values.length > 1 ? whole : values[0] === 'a' ? half : other));
      const input = hot<Envelope<string>>('-ab-----------|', { a: run.envelope('a'), b: run.envelope('b') });
      const result = input.pipe(batchWithin({ maxSize: 2 }), mapConcurrent(call, { concurrency: 1 }), unbatch());
      expectObservable(result).toBe('-------' + '-e-----|', { e: expect.objectContaining({ value: 'A' }) as never });
      expectSubscriptions(whole.subscriptions).toBe('--^-!');
      expectSubscriptions(half.subscriptions).toBe('----^--!');
      expectSubscriptions(other.subscriptions).toBe('-------^!');
    });
  });

  it('keeps what holds for batches in a pipeline: a bad record is one dead letter, by default with attempts', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(upTo(40).map((value) => ({ key: String(value), value })));
    let outages = 5;
    const call = (values: readonly Value[]): Observable<readonly Value[]> =>
      new Observable((out) =>
        (values.length < 3 && outages-- > 0
          ? throwError(() => away())
          : values.includes(17)
            ? throwError(() => refused())
            : of(values)
        ).subscribe(out),
      );
    await m.start((s) => s.pipe(batchWithin({ maxSize: 8 }), mapConcurrent(bisectOnError(call), { concurrency: 1 }), unbatch()), {
      ordering: 'none',
      retry: { attempts: 10 },
    });
    await m.clock.advance(600_000);
    expect(sorted(m.outputs())).toEqual(upTo(40).filter((value) => value !== 17));
    expect(m.letters().map(({ value, header }) => [value, header('millrace.error.code')])).toEqual([['17', 'model_rejected']]);
  });

  it.each<[unknown, BisectOnErrorOptions, string]>([
    [twice, { maxCalls: 0 }, 'bisectOnError.maxCalls must be an integer >= 1, got 0'],
    [twice, { bisectIf: 1 as never }, 'bisectOnError.bisectIf must be a function (error, grade) => boolean, got number'],
    [twice, { calls: 1 } as never, 'bisectOnError has no option calls'],
    [7, {}, 'bisectOnError.project must be a function (values, ctx) => Observable, got number'],
  ])('refuses %j, %j when it is called', (project, options, message) => {
    expect(() => bisectOnError(project as never, options)).toThrow(message);
  });
});
