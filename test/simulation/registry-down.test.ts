import { describe, expect, it } from 'vitest';
import { mapValue } from '../../operators/map-value.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import type { Codec, OpenCodec } from '../../src/codec/codec.ts';
import { openCodec } from '../../src/codec/open-codec.ts';
import { memoryRegistry } from '../../src/codec/memory-registry.ts';
import { text } from '../../src/codec/text.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { simulate } from '../../src/simulation/simulate.ts';
import { knownNumbers } from '../helpers/known-codec.ts';

const schema = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] } as const;
/** Of one subject: each program that writes has its own. */
const versions = [0, 1, 2, 3].map((added) => ({
  ...schema,
  fields: [...schema.fields, ...Array.from({ length: added }, (_, i) => ({ name: `more${String(i)}`, type: 'long', default: 7 }) as const)],
}));
const records = Array.from({ length: 40 }, (_, n) => ({ key: `k${String(n % 5)}`, value: { id: `order-${String(n)}` } }));
const faults = ['registry-down', 'crashed', 'joined', 'expelled', 'left-in-haste', 'down'] as const;

describe.each(['at-least-once', 'exactly-once'] as const)('a registry that is away now and then, %s', (delivery) => {
  it('loses nothing, doubles nothing and keeps the order', async () => {
    const registry = memoryRegistry();
    const read = new Set<string>();
    const pipeline = definePipeline({
      name: 'orders',
      input: topic('in', avro({ registry, schema })),
      output: topic('out', text()),
      deadLetter: topic('dead'),
      delivery,
      process: (source) =>
        source.pipe(
          mapValue(({ id }) => {
            read.add(id);
            return id;
          }),
        ),
    });
    const report = await simulate(pipeline, { records, registries: [registry], faults, seeds: 15 });
    report.verify();
    expect(read.size).toBe(records.length); // or all would be dead letters, without faults, too
    expect(report.faults['registry-down']).toBeGreaterThan(5);
  });
});

describe.each(['at-least-once', 'exactly-once'] as const)('ids that were never seen, while the registry is away, %s', (delivery) => {
  it('are waited for: nothing is lost, nothing doubled, and each record is read as the reader has it', async () => {
    const registry = memoryRegistry();
    const reader = avro({ registry, schema: versions[1] as AvroSchema });
    const read = new Set<string>();
    let nth = 0;
    /** Read as one version, written with one after the other. */
    const several: Codec<unknown> = {
      ...reader,
      open: async (use) => {
        if (use.direction === 'in') return openCodec(reader, use);
        const writers: OpenCodec<unknown>[] = [];
        for (const version of versions) writers.push(await openCodec<unknown>(avro({ registry, schema: version }), use));
        const encode = (value: unknown): Uint8Array | null => (writers[(nth += 1) % writers.length] as OpenCodec<unknown>).encode(value);
        return { ...reader, encode };
      },
    };
    const pipeline = definePipeline({
      name: 'orders',
      input: topic('in', several),
      output: topic('out', text()),
      deadLetter: topic('dead'),
      delivery,
      process: (source) =>
        source.pipe(
          mapValue((value) => {
            const { id, more0 } = value as { readonly id: string; readonly more0: bigint };
            if (more0 !== 7n) throw new Error('the default of the reader is missing');
            read.add(id);
            return id;
          }),
        ),
    });
    const report = await simulate(pipeline, { records, registries: [registry], faults, seeds: 10 });
    report.verify();
    expect(read.size).toBe(records.length);
    expect(report.faults['registry-down']).toBeGreaterThan(3);
    expect((await registry.bySubject('in-value', 'latest')).version).toBe(4);
  });
});

describe('the simulation', () => {
  it('finds a codec that gives a record up because its registry is away', async () => {
    const world = { isAvailable: true };
    const numbers = knownNumbers([1]);
    // what it should do is to wait: it refuses, as a codec without `pending` would
    const codec: Codec<string> = {
      ...text(),
      decode: (bytes) => {
        if (!world.isAvailable) numbers.codec().decode(Buffer.from([9]));
        return text().decode(bytes);
      },
    };
    const pipeline = definePipeline({
      name: 'orders',
      input: topic('in', codec),
      output: topic('out', text()),
      deadLetter: topic('dead'),
      process: (source) => source.pipe(mapValue((value) => value)),
    });
    const setAvailable = (isAvailable: boolean): void => void (world.isAvailable = isAvailable);
    const report = await simulate(pipeline, {
      records: records.map(({ key, value }) => ({ key, value: value.id })),
      registries: [{ setAvailable }],
      faults: ['registry-down'],
      seeds: 15,
    });
    expect(report.problems.length).toBeGreaterThan(0);
  });

  it('does not take registries away where it is given none', async () => {
    const pipeline = definePipeline({
      name: 'orders',
      input: topic('in', text()),
      output: topic('out', text()),
      deadLetter: topic('dead'),
      process: (source) => source.pipe(mapValue((value) => value)),
    });
    const report = await simulate(pipeline, { records: [{ value: 'a' }], faults: ['registry-down'], seeds: 3 });
    expect(report.faults).toEqual({});
  });
});
