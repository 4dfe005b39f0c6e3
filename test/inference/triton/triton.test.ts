import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../../src/call.ts';
import { systemClock } from '../../../src/clock.ts';
import type { RecordContext } from '../../../src/record/record-context.ts';
import type { Tensor } from '../../../src/inference/model.ts';
import { triton } from '../../../src/inference/triton/triton.ts';
import type { TritonOptions } from '../../../src/inference/triton/triton-options.ts';
import { apiKey, asked, failing, inferred, said, served } from './served.ts';

const tensors: readonly Tensor[] = [
  { name: 'numbers', shape: [2, 2], data: Float32Array.of(1.5, -0, 3e38, 1e-40) },
  { name: 'large', shape: [3], data: BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n) },
  { name: 'texts', shape: [3], data: ['', 'žluť 👩‍🚀', '"\\\n\u2028'] },
  { name: 'truths', shape: [2], data: Uint8Array.of(1, 0) },
  { name: 'small', shape: [1, 2], data: Int8Array.of(-128, 127) },
];

describe('tensors', () => {
  it.each([
    ['as bytes', undefined],
    ['as JSON', []],
  ])('go and come %s unchanged', async (_, extensions) => {
    const { model } = await served({}, extensions && { extensions });
    const outputs = await inferred(
      model,
      ...tensors.map((one, at) => (at === 0 && extensions ? { ...one, data: Float32Array.of(1.5, 0, 3, 4) } : one)),
    );
    const expected = tensors.map((one, at) => ({
      ...one,
      name: `${one.name}-out`,
      ...(at === 0 && extensions ? { data: Float32Array.of(1.5, 0, 3, 4) } : {}),
    }));
    expect(outputs).toEqual(expected);
  });

  it('of kinds that JSON has not, and of no values, go as bytes', async () => {
    const { model } = await served();
    const outputs = await inferred(
      model,
      { name: 'x', shape: [3], data: Float32Array.of(Number.NaN, Infinity, -Infinity) },
      { name: 'half', shape: [4], data: Float32Array.of(1 / 3, 65_504, 6e-8, -2) },
      { name: 'brain', shape: [2], data: Float32Array.of(1 / 3, -3e38) },
      { name: 'vast', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      { name: 'texts', shape: [0], data: [] },
    );
    expect(outputs.map(({ data }) => [...(data as Iterable<unknown>)])).toEqual([
      [Number.NaN, Infinity, -Infinity],
      [0.333251953125, 65_504, 2 ** -24, -2],
      [0.333984375, expect.closeTo(-3e38, -36)],
      [2n ** 64n - 1n],
      [],
    ]);
  });

  it('become what the model takes, where no value changes by it', async () => {
    const { model, far } = await served();
    const outputs = await inferred(
      model,
      { name: 'large', shape: [2], data: Float64Array.of(1, -7) },
      { name: 'truths', shape: [1], data: Int32Array.of(1) },
    );
    expect(outputs.map(({ data }) => data)).toEqual([BigInt64Array.of(1n, -7n), Uint8Array.of(1)]);
    const bad: readonly Tensor[] = [
      { name: 'large', shape: [2], data: Float64Array.of(1, 0.5) },
      { name: 'truths', shape: [1], data: Int32Array.of(2) },
      { name: 'small', shape: [1, 2], data: Int32Array.of(1, 128) },
      { name: 'vast', shape: [1], data: Int32Array.of(-1) },
      { name: 'texts', shape: [1], data: Int32Array.of(1) },
      { name: 'x', shape: [1], data: ['1'] },
      { name: 'small', shape: [1, 3], data: Int8Array.of(1, 2, 3) },
    ];
    const before = asked(far).length;
    for (const one of bad)
      expect(await failing(model.infer([one]))).toMatchObject({
        code: 'model_rejected',
        message: expect.stringContaining(one.name) as string,
      });
    expect(asked(far)).toHaveLength(before);
  });

  it('that are too large, or not finite in JSON, are refused before they are sent', async () => {
    const { model, far } = await served({ maxRequestBytes: 2_000, binary: false });
    expect(await failing(model.infer([{ name: 'x', shape: [1_000], data: new Float32Array(1_000) }]))).toMatchObject({
      code: 'model_rejected',
    });
    expect(await failing(model.infer([{ name: 'x', shape: [1], data: Float32Array.of(Number.NaN) }]))).toMatchObject({
      code: 'model_rejected',
    });
    expect(asked(far)).toHaveLength(0);
  });

  it.each(['gzip', 'deflate'] as const)('are packed by %s where that is asked for', async (compression) => {
    const { model, far } = await served({ compression });
    await inferred(model, { name: 'x', shape: [2], data: Float32Array.of(1, 2) });
    expect(asked(far)[0]?.headers['content-encoding']).toBe(compression);
  });

  it('carry parameters, priority, a place in a sequence, outputs and classes; the key goes as a header', async () => {
    const { model, far } = await served({
      parameters: { mode: 'fast' },
      priority: () => 2,
      sequence: () => ({ id: 'a', start: true }),
      classification: { 'x-out': 3 },
    });
    await inferred(model, { name: 'x', shape: [1], data: Float32Array.of(1) });
    expect(asked(far)[0]?.json).toMatchObject({
      parameters: { mode: 'fast', priority: 2, sequence_id: 'a', sequence_start: true, sequence_end: false, binary_data_output: true },
      outputs: [{ name: 'x-out', parameters: { classification: 3, binary_data: false } }],
    });
    expect(asked(far)[0]?.headers.authorization).toBe(`Bearer ${apiKey}`);
  });
});

describe('calls that come together', () => {
  const row = (value: number) => ({ name: 'numbers', shape: [1, 2], data: Float32Array.of(value, value) });

  it('are one request where that is asked for, and each gets its own rows', async () => {
    const { model, far } = await served({ batch: { maxWaitMs: 5, maxRows: 3 } });
    const results = await Promise.all([1, 2, 3, 4].map((value) => inferred(model, row(value))));
    expect(results.map(([one]) => one)).toEqual([1, 2, 3, 4].map((value) => ({ ...row(value), name: 'numbers-out' })));
    expect(asked(far).map(({ inputs }) => inputs[0]?.shape)).toEqual([
      [3, 2],
      [1, 2],
    ]);
  });

  it.each([
    [
      4,
      [
        [4, 2],
        [2, 2],
      ],
    ],
    [
      0,
      [
        [1, 2],
        [1, 2],
        [1, 2],
        [1, 2],
        [1, 2],
        [1, 2],
      ],
    ],
    [100, [[6, 2]]],
  ])('are of no more rows than the model takes (%i; 0 is no batches)', async (maxRows, shapes) => {
    const { model, far } = await served({ batch: { maxWaitMs: 5 } }, { maxRows });
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => inferred(model, row(value))));
    expect(results.map(([one]) => one?.data[0])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(asked(far).map(({ inputs }) => inputs[0]?.shape)).toEqual(shapes);
  });

  it('have the latest of their deadlines, one priority, and of their contexts what they have in common', async () => {
    const priority = ({ context }: { readonly context: RecordContext }): number => context.priority ?? 0;
    const { model, far } = await served({ batch: { maxWaitMs: 5 }, priority });
    const nowMs = systemClock.nowMs();
    const ctx = (leftMs: number, context: RecordContext): CallContext => ({
      ...{ signal: new AbortController().signal, attempt: 1, position: undefined, key: 'k', headers: [], degraded: [] },
      ...{ deadlineMs: nowMs + leftMs, context },
    });
    const calls = [
      [1, ctx(5_000, { tenant: 'a', identity: 'one', priority: 2 })],
      [2, ctx(60_000, { tenant: 'a', identity: 'two', priority: 2 })],
      [3, ctx(9_000, { tenant: 'b', identity: 'three', priority: 1 })],
    ] as const;
    await Promise.all(calls.map(([value, own]) => lastValueFrom(model.infer([row(value)], own))));
    const requests = asked(far).map(({ inputs, headers, json }) => ({
      rows: inputs[0]?.shape[0],
      headers,
      parameters: json['parameters'] as Readonly<Record<string, number>>,
    }));
    expect(requests.map(({ rows, parameters }) => [rows, parameters['priority']]).sort()).toEqual([
      [1, 1],
      [2, 2],
    ]);
    const [joined, alone] = requests.toSorted((a, b) => (b.rows ?? 0) - (a.rows ?? 0));
    expect([joined?.headers['millrace-tenant'], joined?.headers['millrace-identity']]).toEqual(['a', undefined]);
    expect([alone?.headers['millrace-tenant'], alone?.headers['millrace-identity']]).toEqual(['b', 'three']);
    expect(joined?.parameters['timeout']).toBeGreaterThan(50_000_000);
    expect(alone?.parameters['timeout']).toBeLessThan(10_000_000);
  });

  it('are asked alone where the server refuses them together', async () => {
    const bad = Buffer.from(Float32Array.of(666).buffer);
    const { model } = await served(
      { batch: { maxWaitMs: 5 } },
      { reply: ({ inputs }) => (inputs.some(({ bytes }) => bytes.includes(bad)) ? said(400, 'bad row') : undefined) },
    );
    const results = await Promise.allSettled([1, 666, 3].map((value) => inferred(model, row(value))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

it.each<Partial<TritonOptions>>([
  { url: 'localhost:8000' },
  { url: 'http://localhost:8000/v2' },
  { url: 'http://me:secret@localhost' },
  { apiKey: 'a\n' },
  { headers: { 'x y': 'z' } },
  { model: '' },
  { parameters: { priority: 1 } },
  { batch: { maxWaitMs: -1 } },
  { classification: { y: 0 } },
  { generate: { backend: 'vllm', template: 'alpaca' as 'chatml' } },
  { tasks: { classify: { input: 'a', output: 'b', labels: ['x', 'x'] } } },
  { maxAnswerBytes: 1 },
])('options out of range are refused: %j', (options) => {
  expect(() => triton({ url: 'http://localhost:8000', model: 'm', ...options })).toThrow(/must|own/);
});
