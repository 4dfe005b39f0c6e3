import { defer, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fallbackTo, journaled } from '../../operators/index.ts';
import { InferenceError, OptionError } from '../../src/errors.ts';
import type { Journal } from '../../src/journal/journal-port.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { fakeFiles, systemError } from '../helpers/fake-files.ts';
import { testJournal } from '../helpers/open-journal.ts';
import { testScope, within } from '../helpers/scope.ts';

const down = new InferenceError('model_unavailable', 'down');
const clock = virtualClock();
const settled = (): Promise<void> => clock.advance(0);

const setUp = async () => {
  const files = fakeFiles();
  const { journal } = await testJournal({ dir: '/journal' }, { files });
  const state = { calls: 0, running: 0 };
  const results: Subject<string>[] = [];
  const work = new Observable<string>((out) => {
    const result = new Subject<string>();
    results.push(result);
    state.calls += 1;
    state.running += 1;
    out.add(() => {
      state.running -= 1;
    });
    out.add(result.subscribe(out));
  });
  const again = (): Promise<{ readonly journal: Journal }> => testJournal({ dir: '/journal' }, { files });
  return { files, journal, results, state, work, again };
};

const watch = (work: Observable<unknown>, scope = testScope(clock)) => {
  const seen: unknown[] = [];
  const subscription = within(scope, work).subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  });
  return { seen, subscription };
};

describe('journaled', () => {
  it('emits when it is on the disk and not before, and answers from there afterwards, also in the next process', async () => {
    const { files, journal, results, state, work, again } = await setUp();
    const { seen } = watch(work.pipe(journaled(journal, { key: { doc: 1 } })));
    await settled();
    const release = files.hold();
    results[0]?.next('a');
    results[0]?.next('b');
    results[0]?.complete();
    await settled();
    expect([seen, files.synced.size]).toEqual([[], 0]);
    release();
    await settled();
    expect([seen, files.synced.size]).toEqual([['a', 'b', 'complete'], 1]);
    const later = watch(work.pipe(journaled((await again()).journal, { key: () => ({ doc: 1 }) })));
    await settled();
    expect([later.seen, state.calls]).toEqual([['a', 'b', 'complete'], 1]);
  });

  it('makes one call for all that ask at once; the last to leave aborts it', async () => {
    const { journal, results, state, work } = await setUp();
    const call = work.pipe(journaled(journal, { key: 'k' }));
    const [a, b] = [watch(call), watch(call)];
    await settled();
    a.subscription.unsubscribe();
    expect([state.calls, state.running]).toEqual([1, 1]);
    b.subscription.unsubscribe();
    expect(state.running).toBe(0);
    const [c, d] = [watch(call), watch(call)];
    await settled();
    results[1]?.next('x');
    results[1]?.complete();
    await settled();
    expect([c.seen, d.seen, a.seen, b.seen, state.calls]).toEqual([['x', 'complete'], ['x', 'complete'], [], [], 2]);
  });

  it('is not made where it is left while the journal is asked', async () => {
    const { journal, state, work } = await setUp();
    watch(work.pipe(journaled(journal, { key: 'k' }))).subscription.unsubscribe();
    await settled();
    expect(state.calls).toBe(0);
  });

  it('writes what was finished when the last one left, and makes no second call meanwhile', async () => {
    const { files, journal, results, state, work } = await setUp();
    const call = work.pipe(journaled(journal, { key: 'k' }));
    const first = watch(call);
    await settled();
    const release = files.hold();
    results[0]?.next('x');
    results[0]?.complete();
    first.subscription.unsubscribe();
    const second = watch(call);
    await settled();
    release();
    await settled();
    expect([first.seen, second.seen, state.calls]).toEqual([[], ['x', 'complete'], 1]);
  });

  it('writes no call that failed, and none that a fallback stood in for', async () => {
    const { journal, state, work } = await setUp();
    const failing = watch(throwError(() => down).pipe(journaled(journal, { key: 'k' })));
    const scope = testScope(clock);
    const standIn = watch(defer(() => throwError(() => down)).pipe(fallbackTo(of('b')), journaled(journal, { key: 'l' })), scope);
    await settled();
    expect([failing.seen, standIn.seen, scope.degraded, journal.size]).toEqual([[down], ['b', 'complete'], ['fallback'], 0]);
    watch(work.pipe(journaled(journal, { key: 'k' })));
    await settled();
    expect(state.calls).toBe(1);
  });

  it.each(['ENOSPC', 'EIO'])('emits nothing that could not be written: %s', async (code) => {
    const { files, journal } = await setUp();
    files.fault = (doing) => (doing === 'write' ? systemError(code) : undefined);
    const { seen } = watch(of('x').pipe(journaled(journal, { key: 'k' })));
    await settled();
    expect(seen).toEqual([expect.objectContaining({ code: code === 'EIO' ? 'journal_failed' : 'journal_full', grade: 'pipeline' })]);
    expect(journal.size).toBe(0);
  });

  it('fails with what cannot be told apart or kept, and says so', async () => {
    const { journal } = await setUp();
    const seen = [
      watch(of(new Date(0)).pipe(journaled(journal, { key: 'k' }))),
      watch(of(1).pipe(journaled(journal, { key: () => undefined }))),
      watch(of(1).pipe(journaled(journal, { key: () => new Date(0) }))),
    ];
    await settled();
    expect(seen.map((one) => one.seen)).toEqual([
      [expect.objectContaining({ code: 'encode_failed' })],
      [expect.any(OptionError)],
      [expect.any(OptionError)],
    ]);
    expect(() => journaled({} as Journal, { key: 'k' })).toThrow("journaled must be given a pipeline's journal");
    expect(() => journaled(journal, { key: undefined })).toThrow('journaled.key must be');
    expect(() => NEVER.pipe(journaled(journal, { keys: 'k' } as unknown as { key: string }))).toThrow('did you mean key?');
  });
});
