import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/simulation/check-history.ts';
import type { Event } from '../../src/simulation/history.ts';

const input = (id: number, offset: number, codes: readonly string[] = []): Event => ({
  kind: 'input',
  record: id,
  log: 'in/0',
  offset,
  bytes: 100,
  lane: 'in/0 k',
  keyed: true,
  expected: { outputs: codes.length > 0 ? [] : ['', '.1'], codes, mustFail: codes.length > 0 },
});
const emitted = (id: number, app = 0, epoch = 1): Event => ({ kind: 'emitted', app, epoch, record: id });
const called = (id: number, step: 'start' | 'end', app = 0): Event => ({ kind: 'call', app, record: id, part: '', step, together: false });
const acked = (id: number, part: string | undefined): Event => ({ kind: 'acked', app: 0, record: id, part });
const commit = (offset: number, ...completed: readonly number[]): Event => ({ kind: 'commit', log: 'in/0', offset, completed });
const assigned = (app: number): Event => ({ kind: 'assigned', app, log: 'in/0', epoch: 1 });
const output = (id: number, part: string): Event => ({ kind: 'output', log: 'out/0', record: id, part });
const letter = (offset: number, code = 'no_result'): Event => ({ kind: 'letter', log: 'in/0', offset, code });
const whole = (id: number): readonly Event[] => [emitted(id), called(id, 'start'), called(id, 'end'), acked(id, ''), acked(id, '.1')];

/** Records 1 and 3 are done, record 2 failed as it was meant to; the offsets have gaps. */
const good: readonly Event[] = [
  input(1, 4),
  input(2, 5, ['no_result']),
  input(3, 9),
  { kind: 'caps', app: 0, records: 2, bytes: 200 },
  { kind: 'built', app: 0 },
  ...whole(1),
  emitted(2),
  called(2, 'start'),
  called(2, 'end'),
  acked(2, undefined),
  commit(6),
  ...whole(3),
  commit(10),
  { kind: 'held', app: 0, what: 'records', count: 2, most: 2 },
  { kind: 'left', what: 'timers', count: 0 },
  output(1, ''),
  output(1, '.1'),
  output(3, ''),
  output(3, '.1'),
  letter(5),
];

/** The same with record 3 failing first: it waits in a retry topic, and its second run succeeds. */
const copy: Event = { kind: 'copy', record: 3, log: 'in.retry.1/0', offset: 0, at: 'in.retry.1/0@0', round: 1, dueMs: 5_000 };
const second: Event = { kind: 'emitted', app: 0, epoch: 1, record: 3, from: 'in.retry.1/0@0', atMs: 5_000 };
const postponed: Event = { kind: 'postponed', app: 0, record: 3, round: 1 };
const passed: Event = { kind: 'commit', log: 'in.retry.1/0', offset: 1, completed: [] };
const waited: readonly Event[] = [
  ...good.slice(0, 2),
  { ...input(3, 9), expected: { outputs: ['', '.1'], codes: ['model_unavailable'], mustFail: false } } as Event,
  ...good.slice(3, 5),
  ...whole(1),
  ...whole(3).slice(0, 3),
  postponed,
  ...good.filter((event) => 'record' in event && event.record === 2 && event.kind !== 'input'),
  commit(10),
  copy,
  second,
  ...whole(3).slice(1),
  passed,
  ...good.filter(({ kind }) => kind === 'output' || kind === 'letter'),
];

const index = (event: Event): number => good.findIndex((one) => JSON.stringify(one) === JSON.stringify(event));
const without = (event: Event): readonly Event[] => good.toSpliced(index(event), 1);
const after = (event: Event, ...more: readonly Event[]): readonly Event[] => good.toSpliced(index(event) + 1, 0, ...more);
const swapped = (a: Event, b: Event): readonly Event[] => good.with(index(a), b).with(index(b), a);

/** The good one with record 1's first output in a transaction. */
function inTransaction(outcome: 'committed' | 'aborted' | undefined): readonly Event[] {
  const end: readonly Event[] = outcome === undefined ? [] : [{ kind: 'ended', transaction: 't', outcome }];
  return good.flatMap((event): readonly Event[] => {
    const isFirst = 'part' in event && event.record === 1 && event.part === '';
    if (isFirst && event.kind === 'acked') return [{ ...event, at: 'out/0@0', transaction: 't' }, ...end];
    return [isFirst && event.kind === 'output' ? { ...event, at: 'out/0@0' } : event];
  });
}

/** The end of the transaction moved behind the last commit. */
const endedLast = (history: readonly Event[]): readonly Event[] => [
  ...history.filter(({ kind }) => kind !== 'ended'),
  ...history.filter(({ kind }) => kind === 'ended'),
];

describe('the checker of histories', () => {
  it('has nothing to say about a good one, in transactions or without', () => {
    expect(checkHistory(inTransaction('committed'))).toEqual([]);
    expect(checkHistory(good)).toEqual([]);
  });

  it('has nothing to say about a record that waits in a retry topic and is passed by others', () => {
    expect(checkHistory(waited)).toEqual([]);
  });

  it.each([
    {
      plant: 'a run before its time',
      history: waited.map((event) => (event === second ? { ...second, atMs: 4_999 } : event)),
      finds: 'record 3 (in/0@9) ran from in.retry.1/0@0 1 ms too early',
    },
    {
      plant: 'a wait that is left out',
      history: waited.map((event) => (event === copy ? { ...copy, round: 2 } : event)),
      finds: 'record 3 waits at in.retry.1/0@0 for run 2, and has not waited for run 1',
    },
    {
      plant: 'a commit of its topic before it waits',
      history: waited.filter((event) => event !== postponed),
      finds: 'commit in/0@10 passed record 3 (in/0@9), which was not finished',
    },
    {
      plant: 'a commit of the retry topic before its run has ended',
      history: waited.filter((event) => event.kind !== 'acked' || event.record !== 3),
      finds: 'commit in.retry.1/0@1 passed record 3 (in.retry.1/0@0), which was not finished',
    },
    {
      plant: 'a wait that is run twice in one stream',
      history: waited.flatMap((event) => (event === second ? [second, second] : [event])),
      finds: 'record 3 (in/0@9) was emitted twice into one stream',
    },
    {
      plant: 'a wait that is lost',
      history: waited.filter((event) => event.kind !== 'output' || event.record !== 3),
      finds: 'record 3 (in/0@9) lost its output ',
    },
  ])('finds $plant', ({ history, finds }) => {
    expect(checkHistory(history).map(({ message }) => message)).toContain(finds);
  });

  it.each([
    { plant: 'a lost output', history: without(output(3, '.1')), finds: 'record 3 (in/0@9) lost its output .1' },
    { plant: 'a lost dead letter', history: without(letter(5)), finds: 'record 2 (in/0@5) failed and has no dead letter' },
    {
      plant: 'a repeated output',
      history: after(output(1, ''), output(1, '')),
      finds: 'output  of record 1 (in/0@4) was written 2 times although its record ran 1 times',
    },
    {
      plant: 'a repeated dead letter',
      history: after(letter(5), letter(5)),
      finds: 'record 2 (in/0@5) has 2 dead letters although its record ran 1 times',
    },
    {
      plant: 'a wrong code',
      history: without(letter(5)).concat(letter(5, 'call_timeout')),
      finds: 'the dead letter of record 2 (in/0@5) says call_timeout, expected no_result',
    },
    { plant: 'a wrong position', history: after(letter(5), letter(6)), finds: 'a dead letter names in/0@6, where no record is' },
    {
      plant: 'a dead letter beside the outputs',
      history: after(letter(5), letter(4)),
      finds: 'the dead letter of record 1 (in/0@4) says no_result, expected none',
    },
    {
      plant: 'an output that nobody made',
      history: after(output(3, '.1'), output(3, '.2')),
      finds: 'record 3 (in/0@9) has an output that nobody made: .2',
    },
    {
      plant: 'an output of nothing',
      history: after(output(3, '.1'), output(8, '')),
      finds: 'an output descends from record 8, which was never written',
    },
    {
      plant: 'a commit before the acknowledgement',
      history: swapped(commit(10), acked(3, '.1')),
      finds: 'commit in/0@10 passed record 3 (in/0@9), which was not finished',
    },
    {
      plant: 'a commit before the dead letter',
      history: swapped(commit(6), acked(2, undefined)),
      finds: 'commit in/0@6 passed record 2 (in/0@5), which was not finished',
    },
    {
      plant: 'a map that says too much',
      history: good.with(index(commit(6)), commit(6, 9)),
      finds: 'commit in/0@6 says that record 3 (in/0@9) is completed, which was not finished',
    },
    {
      plant: 'a completed record that is done again by a later owner',
      history: [...after(commit(10), commit(4, 9), assigned(1), emitted(3, 1)), { kind: 'fault', name: 'crashed', app: 0 }],
      finds: 'record 3 (in/0@9) was done again by 1/1, which knew that it was completed',
    },
    { plant: 'a commit that goes back', history: after(commit(10), commit(6)), finds: 'the commit of in/0 went back from 10 to 6' },
    {
      plant: 'an output before one in front of it',
      history: swapped(output(1, '.1'), output(3, '')),
      finds: 'output in out/0: record 1 (in/0@4) came after record 3 (in/0@9) of its lane',
    },
    {
      plant: 'a call before one in front of it',
      history: swapped(called(1, 'start'), called(2, 'start')),
      finds: 'call in app 0: record 1 (in/0@4) came after record 2 (in/0@5) of its lane',
    },
    {
      plant: 'a record emitted before one in front of it',
      history: swapped(emitted(1), emitted(2)),
      finds: 'emitted: record 1 (in/0@4) came after record 2 (in/0@5) of its lane',
    },
    {
      plant: 'a record emitted twice',
      history: after(emitted(1), emitted(1)),
      finds: 'record 1 (in/0@4) was emitted twice into one stream',
    },
    {
      plant: 'a record done again by another owner',
      history: after(commit(10), emitted(3, 1)),
      finds: 'record 3 (in/0@9) was done again by 1/1 after 0/1, which ended well',
    },
    {
      plant: 'a record done again before anything had happened that explains it',
      history: [...after(commit(10), emitted(3, 1)), { kind: 'fault', name: 'expelled', app: 0 }],
      finds: 'record 3 (in/0@9) was done again by 1/1 after 0/1, which ended well',
    },
    {
      plant: 'a completed record that its own owner does again',
      history: [assigned(0), ...after(commit(10), { kind: 'built', app: 0 }, emitted(3))],
      finds: 'record 3 (in/0@9) was done again by 0/1, which knew that it was completed',
    },
    {
      plant: 'an output of a transaction that was aborted',
      history: inTransaction('aborted'),
      finds: 'what record 1 wrote to out/0@0 is seen, though its transaction t was aborted',
    },
    {
      plant: 'an output of a transaction without an end',
      history: inTransaction(undefined),
      finds: 'what record 1 wrote to out/0@0 is seen, though its transaction t was never ended',
    },
    {
      plant: 'a commit before the end of the transaction',
      history: endedLast(inTransaction('committed')),
      finds: 'commit in/0@6 passed record 1 (in/0@4), which was not finished',
    },
    {
      plant: 'a repetition where exactly once is promised',
      history: [
        { kind: 'promised', delivery: 'exactly-once' },
        { kind: 'unanswered', app: 0, record: 1, part: '' },
        ...after(output(1, ''), output(1, '')),
      ],
      finds: 'output  of record 1 (in/0@4) was written 2 times although exactly once is promised',
    },
    {
      plant: 'two calls at once',
      history: after(called(1, 'start'), called(1, 'start', 1), called(1, 'end', 1)),
      finds: 'apps 1 and 0 called for record 1 at once',
    },
    { plant: 'a call without an end', history: without(called(3, 'end')), finds: 'a call for record 3 in app 0 was never ended' },
    {
      plant: 'too many records',
      history: good.toSpliced(index(acked(1, '')), 0, emitted(2), emitted(3)),
      finds: 'app 0 has 3 records in flight, the cap is 2',
    },
    {
      plant: 'too many bytes',
      history: good.toSpliced(index(acked(1, '')), 0, emitted(2), emitted(3)),
      finds: 'app 0 has 300 bytes in flight, the cap is 200',
    },
    {
      plant: 'too much in flight',
      history: [...good, { kind: 'held', app: 0, what: 'bytes', count: 3, most: 2 }],
      finds: 'app 0 held 3 bytes, the cap is 2',
    },
    { plant: 'a timer left behind', history: [...good, { kind: 'left', what: 'timers', count: 1 }], finds: '1 timers left behind' },
    { plant: 'an app that broke', history: [...good, { kind: 'broken', why: 'it stands still' }], finds: 'it stands still' },
  ] as readonly { readonly plant: string; readonly history: readonly Event[]; readonly finds: string }[])(
    'finds $plant',
    ({ history, finds }) => {
      expect(checkHistory(history).map(({ message }) => message)).toContain(finds);
    },
  );

  it.each([
    { why: 'the stream was built anew', history: after(emitted(1), { kind: 'built', app: 0 }, emitted(1)) },
    { why: 'the owner was expelled before', history: after(commit(10), { kind: 'fault', name: 'expelled', app: 0 }, emitted(3, 1)) },
    {
      why: 'the broker wrote what it said it had not',
      history: [{ kind: 'unanswered', app: 0, record: 1, part: '' }, ...after(output(1, ''), output(1, ''))],
    },
  ] as readonly { readonly why: string; readonly history: readonly Event[] }[])('accepts a repetition when $why', ({ history }) => {
    expect(checkHistory(history)).toEqual([]);
  });
});
