import { map, type MonoTypeOperatorFunction, NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin, mapConcurrent, mapValue, setContext, unbatch } from '../../operators/index.ts';
import { call, type CallContext } from '../../src/call.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import type { RecordHeaders } from '../../src/record/record.ts';
import { contextHeaders, readContext, type RecordContext } from '../../src/record/record-context.ts';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import { mill, type Mill } from '../helpers/mill.ts';

const context = { requestId: 'r-1', identity: 'ann', tenant: 't1', priority: 2 };
const contextsOf = ({ transport }: Mill, topic: string): RecordContext[] =>
  transport.broker.records(topic, 0).map(({ headers }) => readContext(headers).context);

describe('the context of records in a pipeline', () => {
  it('goes from the record to its call and its output', async () => {
    const m = await mill();
    const seen: CallContext[] = [];
    const app = await m.start((source) =>
      source.pipe(
        mapConcurrent(
          (value, ctx) => {
            seen.push(ctx);
            return call((inside) => Promise.resolve(`${String(value)} for ${inside.context.tenant ?? 'nobody'}`));
          },
          { concurrency: 2 },
        ),
      ),
    );
    await m.feed([{ value: 'a', headers: contextHeaders(context) }, { value: 'b' }]);
    await m.clock.advance(100);
    expect(seen.map((ctx) => ctx.context)).toEqual([context, {}]);
    expect(m.outputs()).toEqual(['a for t1', 'b for nobody']);
    expect(contextsOf(m, 'out')).toEqual([context, {}]);
    await app.drain();
  });

  it('stays with an output that sets headers of its own, unless these say otherwise', async () => {
    const m = await mill();
    const own = [...contextHeaders({ tenant: 'mine' }), ['x', Buffer.from('1')] as const];
    const app = await m.start((source) =>
      source.pipe(
        mapConcurrent((value) => of(value), { concurrency: 1 }),
        withHeaders(own),
      ),
    );
    await m.feed([{ value: 'a', headers: contextHeaders(context) }]);
    await m.clock.advance(100);
    expect(contextsOf(m, 'out')).toEqual([{ ...context, tenant: 'mine' }]);
    await app.drain();
  });

  it('that code has set leaves on outputs and dead letters, the record itself as it was', async () => {
    const m = await mill();
    const app = await m.start((source) =>
      source.pipe(
        setContext(() => ({ tenant: 'ours', identity: undefined })),
        mapConcurrent((value) => (value === 'bad' ? throwError(() => new Error('no')) : of(value)), { concurrency: 1 }),
      ),
    );
    await m.feed(['good', 'bad'].map((value) => ({ value, headers: contextHeaders(context) })));
    await m.clock.advance(100);
    const { identity, ...rest } = context;
    expect(contextsOf(m, 'out')).toEqual([{ ...rest, tenant: 'ours' }]);
    const [letter] = m.transport.broker.records('dead', 0);
    const added = Number(m.letters()[0]?.header(deadLetterHeaders.added));
    expect(readContext(letter?.headers.slice(0, -added) ?? []).context).toEqual(context);
    expect(readContext(letter?.headers.slice(-added) ?? []).context).toEqual({ ...rest, tenant: 'ours' });
    expect(identity).toBe('ann');
    await app.drain();
  });

  it('leaves on dead letters that have to go without their record', async () => {
    const m = await mill({ maxRecordBytes: 20_000 });
    const app = await m.start((source) => source.pipe(mapValue(() => 'x'.repeat(50_000))));
    await m.feed([{ value: 'v'.repeat(19_000), headers: contextHeaders(context) }]);
    await m.clock.advance(1_000);
    expect(m.letters()[0]?.header(deadLetterHeaders.payload)).toBe('omitted');
    expect(contextsOf(m, 'dead')).toEqual([context]);
    await app.drain();
  });

  it('that is malformed fails nothing, is counted, and passed on', async () => {
    const m = await mill();
    const app = await m.start((source) => source.pipe(mapValue((value) => value)));
    const headers = [['millrace-priority', Buffer.from('urgent')] as const, ...contextHeaders({ tenant: 't1' })];
    await m.feed([{ value: 'a', headers }]);
    await m.clock.advance(100);
    expect(app.stats()).toMatchObject({ done: 1, failed: 0, contextIgnored: 1 });
    expect(m.transport.broker.records('out', 0)[0]?.headers.map(([name]) => name)).toEqual(['millrace-priority', 'millrace-tenant']);
    await app.drain();
  });
});

describe('the deadline of a record', () => {
  const due = (deadlineMs: number) => contextHeaders({ deadlineMs });
  const startMs = 1_000_000; // of the mill

  it('that has passed means no call, and a dead letter without an attempt', async () => {
    const m = await mill();
    let calls = 0;
    const app = await m.start((source) => source.pipe(mapConcurrent((value) => of(((calls += 1), value)), { concurrency: 1 })));
    await m.feed([
      { value: 'late', headers: due(startMs) },
      { value: 'in time', headers: due(startMs + 60_000) },
    ]);
    await m.clock.advance(100);
    expect([calls, m.outputs()]).toEqual([1, ['in time']]);
    const [letter] = m.letters();
    expect([letter?.header(deadLetterHeaders.code), letter?.header(deadLetterHeaders.attempts)]).toEqual(['deadline_exceeded', '0']);
    await app.drain();
  });

  it('that has passed keeps a record out of pipelines without calls, too, and is looked at before its value', async () => {
    const m = await mill();
    const app = await m.start((source) => source.pipe(mapValue((value) => value)));
    m.transport.broker.append('in', 0, [{ key: null, value: Buffer.from('{'), headers: due(startMs - 1) }]);
    await m.clock.advance(100);
    expect([m.outputs(), m.letters().map(({ header }) => header(deadLetterHeaders.code))]).toEqual([[], ['deadline_exceeded']]);
    await app.drain();
  });

  it('that code sets too early means no call', async () => {
    const m = await mill();
    let calls = 0;
    const app = await m.start((source) =>
      source.pipe(
        setContext(() => ({ deadlineMs: startMs })),
        mapConcurrent((value) => of(((calls += 1), value)), { concurrency: 1 }),
      ),
    );
    await m.feed([{ value: 'a' }]);
    await m.clock.advance(100);
    const [letter] = m.letters();
    expect([calls, letter?.header(deadLetterHeaders.code), letter?.header(deadLetterHeaders.attempts)]).toEqual([
      0,
      'deadline_exceeded',
      '0',
    ]);
    await app.drain();
  });

  it('that passes while the record waits for its call means the same', async () => {
    const m = await mill();
    const called: unknown[] = [];
    const app = await m.start((source) =>
      source.pipe(mapConcurrent((value) => (called.push(value), value === 'slow' ? NEVER : of(value)), { concurrency: 1 })),
    );
    await m.feed([
      { value: 'slow', key: 'a' },
      { value: 'waits', key: 'b', headers: due(startMs + 1_000) },
    ]);
    await m.clock.advance(1_300);
    expect(called).toEqual(['slow']);
    const [letter] = m.letters();
    expect([letter?.header(deadLetterHeaders.code), letter?.header(deadLetterHeaders.attempts)]).toEqual(['deadline_exceeded', '0']);
    await drained(m, app);
  });

  it('aborts the call that runs, and bounds its attempts', async () => {
    const m = await mill();
    const aborted: boolean[] = [];
    const app = await m.start((source) =>
      source.pipe(
        mapConcurrent(
          (_, ctx) => {
            expect(ctx.deadlineMs).toBe(startMs + 5_000);
            ctx.signal.addEventListener('abort', () => aborted.push(true));
            return NEVER;
          },
          { concurrency: 1 },
        ),
      ),
    );
    await m.feed([{ value: 'a', headers: due(startMs + 5_000) }]);
    await m.clock.advance(4_900);
    expect([aborted, m.letters()]).toEqual([[], []]);
    await m.clock.advance(400);
    expect(aborted).toEqual([true]);
    expect(m.letters()[0]?.header(deadLetterHeaders.attempts)).toBe('1');
    await app.drain();
  });

  it('of one record in a batch fails it alone when the call begins too late for it', async () => {
    const m = await mill();
    const first = new Subject<readonly (string | number)[]>();
    const sizes: number[] = [];
    const app = await m.start((source) =>
      source.pipe(
        batchWithin({ maxSize: 2, maxWaitMs: 60_000 }),
        mapConcurrent((values) => (sizes.push(values.length), sizes.length === 1 ? first : of(values)), { concurrency: 1 }),
        unbatch(),
      ),
    );
    await m.feed(['a', 'b', 'c', 'd'].map((key) => ({ key, value: key, ...(key === 'c' ? { headers: due(startMs + 1_010) } : {}) })));
    await m.clock.advance(1_020); // deadlines are looked at every 250 ms: this one is not noticed yet
    expect(m.letters()).toEqual([]);
    first.next(['a', 'b']);
    first.complete();
    await m.clock.advance(100);
    expect([sizes, m.outputs(), m.letters().map(({ header }) => header(deadLetterHeaders.offset))]).toEqual([
      [2, 2],
      ['a', 'b', 'd'],
      ['2'],
    ]);
    await app.drain();
  });

  it('of one record in a batch does not fail those beside it when it has passed before the call', async () => {
    const m = await mill();
    const sizes: number[] = [];
    const app = await m.start((source) =>
      source.pipe(
        batchWithin({ maxSize: 2, maxWaitMs: 60_000 }),
        mapConcurrent((values) => (sizes.push(values.length), sizes.length === 1 ? NEVER : of(values)), { concurrency: 1 }),
        unbatch(),
      ),
    );
    const records = ['a', 'b', 'c', 'd'].map((key) => ({ key, value: key, ...(key === 'c' ? { headers: due(startMs + 1_000) } : {}) }));
    await m.feed(records);
    await m.clock.advance(999);
    // the first batch is given up by its deadline only: the second one waits bound
    expect(sizes).toEqual([2]);
    await m.clock.advance(600_500);
    expect(
      m
        .letters()
        .map(({ header }) => header(deadLetterHeaders.offset))
        .sort(),
    ).toEqual(['0', '1', '2']);
    expect(m.outputs()).toEqual(['d']);
    await app.drain();
  });
});

async function drained(m: Mill, app: Awaited<ReturnType<Mill['start']>>): Promise<void> {
  const over = app.drain({ deadlineMs: 0 });
  await m.clock.advance(1_000);
  await over;
}

const withHeaders = (headers: RecordHeaders): MonoTypeOperatorFunction<Envelope<string | number>> =>
  map((envelope) => envelope.with(envelope.value, { headers }));
