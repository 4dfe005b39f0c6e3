import { defer, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { split } from '../../operators/split.ts';
import { InferenceError } from '../../src/errors.ts';
import { decodeHistory } from '../../src/flow/failure-history.ts';
import { headerText, type SourceRecord } from '../../src/record/record.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { mill, type Mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

const down = new InferenceError('model_unavailable', 'down');
const minute = 60_000;
const waits = { ordering: 'none', retry: 'none', retryTopics: { delaysMs: [minute, 10 * minute] } } as const;
const deliveries = ['at-least-once', 'exactly-once'] as const;
const options = { createTopics: true };

/** Calls of `bad` values fail until `fixedMs` of the mill's time; all others succeed. Tells when which was called. */
function flaky(m: Mill, bad: (v: Value) => boolean, fixedMs = Infinity) {
  const calls: { readonly v: Value; readonly atMs: number }[] = [];
  const process: Parameters<Mill['start']>[0] = (s) =>
    s.pipe(
      mapConcurrent(
        (v) =>
          defer(() => {
            calls.push({ v, atMs: m.clock.nowMs() });
            return bad(v) && m.clock.nowMs() < fixedMs ? throwError(() => down) : of(v);
          }),
        { concurrency: 8 },
      ),
    );
  return { calls, process };
}

const retried = (m: Mill, n: number): readonly SourceRecord[] =>
  Array.from({ length: m.partitions }, (_, i) => m.transport.broker.records(`mill.retry.${String(n)}`, i)).flat();

describe.each(deliveries)('a record that fails for a reason that may pass, %s', (delivery) => {
  const spec = { ...waits, delivery };

  it('runs again after each delay, while all others go on, and then is a dead letter with its whole history', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(20));
    const { calls, process } = flaky(m, (v) => v === 3);
    const app = await m.start(process, spec, options);
    await m.clock.advance(1_000);
    expect([m.outputs().length, m.letters().length, app.stats()]).toMatchObject([19, 0, { done: 19, failed: 0, retriedLater: 1 }]);
    expect(m.committed().reduce((a, b) => a + b)).toBe(20n); // it holds up nothing
    await m.clock.advance(11 * minute);
    await m.feed([{ value: 100 }]);
    await m.clock.advance(minute);
    const at = calls.filter(({ v }) => v === 3).map(({ atMs }) => atMs);
    const [first = 0, second = 0, third = 0] = at;
    expect([at.length, second - first >= minute, second - first < minute + 1_000]).toEqual([3, true, true]);
    expect([third - second >= 10 * minute, third - second < 10 * minute + 1_000]).toEqual([true, true]);
    const [letter] = m.letters();
    expect([letter?.value, letter?.header('millrace.attempts'), letter?.header('millrace.retries')]).toEqual(['3', '3', '2']);
    expect(letter?.header('__streams.errors.topic')).toBe('in');
    const { entries } = decodeHistory(letter?.header('millrace.history'));
    expect(entries.map(({ on, code, attempts }) => [on.split('/')[0], code, attempts])).toEqual(
      ['in', 'mill.retry.1', 'mill.retry.2'].map((topic) => [topic, 'model_unavailable', 1]),
    );
    expect(entries.map((one) => Date.parse(one.at))).toEqual([first, second, third]);
  });

  it('keeps its key, value, headers, time and place for those who see it, and for its output', async () => {
    const m = await mill();
    const own = [
      ['h', new Uint8Array([49])],
      ['h', null],
      ['__streams.errors.message', new TextEncoder().encode('of somebody else')],
    ] as const;
    m.transport.broker.append('in', 0, [
      { key: null, value: Buffer.from('"before"'), headers: [] },
      { key: Buffer.from('k'), value: Buffer.from('"x"'), headers: own, timestampMs: 42 },
    ]);
    const seen: Envelope<Value, unknown>[] = [];
    const { process } = flaky(m, (v) => v === 'x', m.clock.nowMs() + minute);
    const watching: typeof process = (s) =>
      process(
        s.pipe(
          mapValue((v, envelope) => {
            seen.push(envelope);
            return v;
          }),
        ),
      );
    await m.start(watching, spec, options);
    await m.clock.advance(2 * minute);
    const [, first, again] = seen;
    expect(again).toMatchObject({
      key: 'k',
      value: 'x',
      timestampMs: 42,
      headers: own,
      position: { topic: 'in', partition: 0, offset: 1n },
    });
    expect(first?.headers).toEqual(again?.headers);
    const written = m.transport.broker.records('out', 0).at(-1);
    expect([written?.timestampMs, written?.headers, written?.key]).toEqual([42, own, new TextEncoder().encode('k')]);
    expect(m.letters()).toEqual([]);
  });

  it('is not lost when everything stops before it is due, nor called too early', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(40));
    const { calls, process } = flaky(m, (v) => Number(v) % 4 === 0, m.clock.nowMs() + minute);
    const app = await m.start(process, spec, options);
    await m.clock.advance(30_000);
    const stopped = app.drain();
    await m.clock.advance(1_000);
    await stopped;
    expect(calls).toHaveLength(40);
    const next = await m.start(process, { ...spec, from: 'latest' }, options);
    await m.clock.advance(25_000);
    expect(calls).toHaveLength(40);
    await m.clock.advance(10_000);
    expect([sorted(m.outputs()), calls.length, next.stats().recordsInFlight]).toEqual([upTo(40), 50, 0]);
    const due = calls.slice(40).map(({ atMs }) => atMs - (calls[0]?.atMs ?? 0));
    expect(Math.min(...due)).toBeGreaterThanOrEqual(minute);
  });

  it('never runs before the time that is noted with it, not by a fraction of a millisecond', async () => {
    const m = await mill();
    await m.clock.advance(0.4);
    await m.feed([{ value: 1 }]);
    const { calls, process } = flaky(m, () => true);
    const delayMs = 40;
    await m.start(process, { ...spec, retryTopics: { delaysMs: [delayMs] } }, options);
    for (let i = 0; i < 2_000; i += 1) await m.clock.advance(0.7);
    const noted = Number(headerText(retried(m, 1)[0]?.headers ?? [], 'millrace.retry.not.before'));
    expect([calls.length, (calls[1]?.atMs ?? 0) >= noted, (calls[1]?.atMs ?? 0) - noted < 10]).toEqual([2, true, true]);
  });

  it('waits without holding up its neighbours, however many wait', async () => {
    const m = await mill({ partitions: 12 });
    const big = 'x'.repeat(3_000);
    await m.feed(Array.from({ length: 1_500 }, (_, i) => ({ key: String(i), value: `${String(i)}${big}` }))); // 4.5 MB, more than may be fetched ahead
    const { process } = flaky(m, (v) => String(v).endsWith('x'), m.clock.nowMs() + minute);
    const app = await m.start(process, spec, options);
    await m.clock.advance(10_000);
    expect(retried(m, 1)).toHaveLength(1_500);
    await m.feed(numbers(100));
    await m.clock.advance(5_000);
    expect([m.outputs().length, app.stats().bytesAhead < 12 * 512 * 1024]).toEqual([100, true]);
    await m.clock.advance(minute);
    expect([m.outputs().length, m.letters().length]).toEqual([1_600, 0]);
  });

  it('is a dead letter at once when the retry topic refuses its size', async () => {
    const m = await mill({ maxRecordBytes: 5_000 });
    m.feedRaw(Buffer.from(`"${'x'.repeat(4_700)}"`));
    const { process } = flaky(m, () => true);
    const app = await m.start(process, spec, options);
    await m.clock.advance(1_000);
    const [letter] = m.letters();
    expect([letter?.value, letter?.header('millrace.payload'), letter?.header('__streams.errors.offset')]).toEqual(['', 'omitted', '0']);
    expect(app.stats()).toMatchObject({ failed: 1, retriedLater: 0 });
    expect(m.committed()).toEqual([1n]);
  });

  it('is a dead letter at once when some of its outputs are written: they would be written twice', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    await m.start(
      (s) =>
        s.pipe(
          split((v) => [v, 2]),
          mapConcurrent((v) => (v === 2 ? throwError(() => down) : of(v)), { concurrency: 1 }),
        ),
      spec,
      options,
    );
    await m.clock.advance(1_000);
    expect([m.outputs(), m.letters()[0]?.header('millrace.outputs'), retried(m, 1).length]).toEqual([[1], 'out/0@0', 0]);
  });

  it("ends the pipeline after the last delay with deadLetter: 'stop'", async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    const app = await m.start(flaky(m, () => true).process, { ...spec, deadLetter: 'stop' }, options);
    const failed = expect(app.done).rejects.toMatchObject({ code: 'model_unavailable' });
    await m.clock.advance(10 * minute);
    expect(app.state).toBe('running');
    await m.clock.advance(2 * minute);
    await failed;
    expect(m.transport.broker.committed('mill', 'mill.retry.2', 0)?.offset ?? 0n).toBe(0n);
  });

  it('waits no longer than the longest delay, whatever a wrong clock has written', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    const { calls, process } = flaky(m, () => true);
    await m.start(process, spec, options);
    await m.clock.advance(1_000);
    const headers = (retried(m, 1)[0]?.headers ?? []).map(
      ([name, value]) => [name, name === 'millrace.retry.not.before' ? Buffer.from('99999999999999') : value] as const,
    );
    m.transport.broker.append('mill.retry.2', 0, [{ key: null, value: Buffer.from('7'), headers }]);
    await m.clock.advance(9 * minute);
    expect(calls.filter(({ v }) => v === 7)).toHaveLength(0);
    await m.clock.advance(2 * minute);
    expect(calls.filter(({ v }) => v === 7)).toHaveLength(1);
  });
});

describe.each(deliveries)('what stands in a retry topic and does not say where it comes from, %s', (delivery) => {
  const spec = { ...waits, delivery };

  it('is a dead letter, and the rest goes on', async () => {
    const m = await mill();
    await m.feed(numbers(2));
    await m.start(flaky(m, () => false).process, spec, options);
    m.transport.broker.append('mill.retry.1', 0, [{ key: null, value: Buffer.from('7'), headers: [] }]);
    await m.clock.advance(1_000);
    const [letter] = m.letters();
    expect([letter?.header('millrace.error.code'), letter?.header('__streams.errors.topic'), m.outputs()]).toEqual([
      'decode_failed',
      'mill.retry.1',
      [0, 1],
    ]);
  });
});

describe.each(deliveries)('a dead letter, %s', (delivery) => {
  it('tells every try with its time', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    await m.start(flaky(m, () => true).process, { ordering: 'none', delivery }, { random: () => 1 });
    const startMs = m.clock.nowMs();
    await m.clock.advance(10_000);
    const { entries, omitted } = decodeHistory(m.letters()[0]?.header('millrace.history'));
    expect(entries.map(({ at, code, attempts }) => [Date.parse(at) - Date.parse(entries[0]?.at ?? ''), code, attempts])).toEqual([
      [0, 'model_unavailable', undefined],
      [250, 'model_unavailable', undefined],
      [750, 'model_unavailable', 3],
    ]);
    expect([omitted, Date.parse(entries[0]?.at ?? '') - startMs < 1_000]).toEqual([0, true]);
  });

  it('has frames of where the error was made, and no secrets', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    const leak = 'asking https://joe:hunter2pass@host/v1 with Authorization: Bearer abcdef123456 and sk-abcdefghijklmnop1234';
    await m.start(
      (s) =>
        s.pipe(
          mapValue(() => {
            throw new Error(leak);
          }),
        ),
      { delivery },
    );
    await m.clock.advance(1_000);
    const [letter] = m.letters();
    expect(letter?.header('__streams.errors.stacktrace')).toMatch(/^\s+at .*end-failed\.test\.ts:\d+/);
    const all = m.transport.broker
      .records('dead', 0)[0]
      ?.headers.map(([name, value]) => `${name}=${value ? Buffer.from(value).toString() : ''}`)
      .join('\n');
    expect(all).not.toMatch(/hunter2pass|abcdef123456|sk-abcdef/);
    expect(letter?.header('__streams.errors.message')).toContain('[redacted]');
  });

  it('has the headers that were there before it, and says how many are its own', async () => {
    const m = await mill();
    m.transport.broker.append('in', 0, [{ key: null, value: Buffer.from('{'), headers: [['millrace.pipeline', Buffer.from('other')]] }]);
    await m.start((s) => s, { delivery });
    await m.clock.advance(1_000);
    const headers = m.transport.broker.records('dead', 0)[0]?.headers ?? [];
    expect([headers[0]?.[0], headerText(headers.slice(0, 1), 'millrace.pipeline'), headerText(headers, 'millrace.pipeline')]).toEqual([
      'millrace.pipeline',
      'other',
      'mill',
    ]);
    expect(Number(headerText(headers, 'millrace.headers.added'))).toBe(headers.length - 1);
  });

  it('stops the pipeline when nothing at all can be written of it', async () => {
    const m = await mill({ maxRecordBytes: 400 });
    m.feedRaw(Buffer.from('{'));
    const app = await m.start((s) => s, { delivery });
    const failed = expect(app.done).rejects.toMatchObject({ code: 'record_too_large' });
    await m.clock.advance(5_000);
    await failed;
    expect(m.committed()).toEqual([0n]);
  });
});
