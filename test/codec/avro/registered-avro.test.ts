import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import type { Codec, CodecUse, OpenCodec } from '../../../src/codec/codec.ts';
import { memoryRegistry } from '../../../src/codec/memory-registry.ts';
import type { SubjectStrategy } from '../../../src/codec/internal/subject-name.ts';
import { CodecError } from '../../../src/errors.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';

const v1 = { type: 'record', name: 'Order', namespace: 'acme', fields: [{ name: 'id', type: 'string' }] } as const;
const v2 = { ...v1, fields: [...v1.fields, { name: 'n', type: 'int', default: 7 }] } as const;
const v3 = { ...v1, fields: [{ name: 'id', type: 'int' }] } as const;
const clock = virtualClock(Date.UTC(2026, 0, 1));

const use = (direction: 'in' | 'out', more: Partial<CodecUse> = {}): CodecUse => ({
  topic: 'orders',
  part: 'value',
  direction,
  clock,
  signal: new AbortController().signal,
  log: () => undefined,
  ...more,
});

async function opened<T>(codec: Codec<T>, direction: 'in' | 'out', more?: Partial<CodecUse>): Promise<OpenCodec<T>> {
  if (!codec.open) throw new Error('expected a codec that is opened');
  return codec.open(use(direction, more));
}

const framed = (id: number, ...rest: readonly number[]): Uint8Array => Uint8Array.of(0, 0, 0, 0, id, ...rest);

function refusal(decode: () => unknown): CodecError {
  try {
    decode();
  } catch (error) {
    if (error instanceof CodecError) return error;
  }
  throw new Error('expected a CodecError');
}

/** A registry with these versions of orders-value, which are schemas 1, 2, … */
async function withVersions(...schemas: readonly AvroSchema[]) {
  const registry = memoryRegistry({ compatibility: 'NONE' });
  for (const schema of schemas) await registry.register('orders-value', { schema: JSON.stringify(schema) });
  return registry;
}

describe('avro with a registry, out', () => {
  it('registers its schema and frames with its id', async () => {
    const registry = memoryRegistry();
    const codec = avro({ registry, schema: v1 });
    expectTypeOf(codec.decode).returns.toEqualTypeOf<{ id: string }>();
    const out = await opened(codec, 'out');
    expect(out.encode({ id: 'a' })).toEqual(Buffer.from(framed(1, 2, 97)));
    expect(await registry.bySubject('orders-value', 'latest')).toMatchObject({ id: 1, version: 1 });
    await opened(codec, 'out');
    expect(await registry.bySubject('orders-value', 'latest')).toMatchObject({ version: 1 });
  });

  it('writes values longer than what it keeps, each a copy of its own', async () => {
    const out = await opened(avro({ registry: memoryRegistry(), schema: 'string' }), 'out');
    const [first, long] = [out.encode('a'), out.encode('x'.repeat(100_000))];
    expect(out.encode('b')).toEqual(Buffer.from(framed(1, 2, 98)));
    expect(first).toEqual(Buffer.from(framed(1, 2, 97)));
    expect(long?.length).toBe(5 + 3 + 100_000);
  });

  it('only looks up, where it may not register', async () => {
    const registry = await withVersions(v1);
    expect((await opened(avro({ registry, schema: v1, register: false }), 'out')).encode({ id: '' })).toEqual(Buffer.from(framed(1, 0)));
    const error = await failureOf(opened(avro({ registry, schema: v2, register: false }), 'out'));
    expect([error.code, error.message]).toEqual([
      'schema_not_found',
      'the schema is no version of subject orders-value at memory: register it there, or set register: true',
    ]);
  });

  it('refuses a schema that cannot follow, before the first record', async () => {
    const registry = memoryRegistry();
    await registry.register('orders-value', { schema: JSON.stringify(v1) });
    const error = await failureOf(opened(avro({ registry, schema: v3 }), 'out'));
    expect(error.code).toBe('schema_incompatible');
    expect(error.message).toContain('string cannot be read as int at id');
  });

  it('writes with the latest version where it has no schema of its own', async () => {
    const registry = await withVersions(v1, v2);
    const out = await opened(avro<{ id: string; n: number }>({ registry }), 'out');
    expect(out.encode({ id: 'a', n: 1 })).toEqual(Buffer.from(framed(2, 2, 97, 2)));
    expect(refusal(() => out.encode({ id: 'a', n: 'x' } as never)).code).toBe('schema_violation');
    expect((await failureOf(opened(avro({ registry: memoryRegistry() }), 'out'))).code).toBe('schema_not_found');
  });

  it.each<[SubjectStrategy | undefined, string]>([
    [undefined, 'orders-key'],
    ['topic', 'orders-key'],
    ['record', 'acme.Order'],
    ['topic-record', 'orders-acme.Order'],
    [({ topic, part, recordName }) => `${topic}/${part}/${String(recordName)}`, 'orders/key/acme.Order'],
  ])('strategy %s: subject %s', async (strategy, subject) => {
    const registry = memoryRegistry();
    await opened(avro({ registry, schema: v1, ...(strategy && { strategy }) }), 'out', { part: 'key' });
    expect(await registry.bySubject(subject, 1)).toMatchObject({ id: 1 });
  });

  it('takes the types that its schema speaks of from other subjects', async () => {
    const registry = memoryRegistry();
    await registry.register('order', { schema: JSON.stringify(v1) });
    const references = [{ name: 'acme.Order', subject: 'order', version: 1 }];
    const cart = avro({ registry, schema: { type: 'array', items: 'acme.Order' }, references });
    const bytes = (await opened(cart, 'out')).encode([{ id: 'a' }]);
    const read = await opened(avro({ registry }), 'in');
    await read.pending?.(bytes);
    expect(read.decode(bytes)).toEqual([{ id: 'a' }]);
  });
});

describe('avro with a registry, in', () => {
  const written = (id: number, ...rest: readonly number[]) => Buffer.from(framed(id, ...rest));

  it('reads each record as it was written, or as its schema, or as the latest of a subject', async () => {
    const registry = await withVersions(v1, v2);
    for (const [codec, one, two] of [
      [avro({ registry }), { id: 'a' }, { id: 'a', n: 1 }],
      [avro({ registry, schema: v1 }), { id: 'a' }, { id: 'a' }],
      [avro({ registry, subject: 'orders-value' }), { id: 'a', n: 7 }, { id: 'a', n: 1 }],
    ] as const) {
      const read = await opened(codec as Codec<unknown>, 'in');
      await Promise.all([read.pending?.(written(1, 2, 97)), read.pending?.(written(2, 2, 97, 2))]);
      expect(read.pending?.(written(1, 2, 97))).toBeUndefined();
      expect(read.decode(written(1, 2, 97))).toEqual(one);
      expect(read.decode(written(2, 2, 97, 2))).toEqual(two);
    }
  });

  it.each(['bytes', 'fixed'] as const)('does not take a decimal of %s for one of another scale', async (type) => {
    const decimal = (scale: number) => ({ type, name: 'D', size: 4, logicalType: 'decimal', precision: 5, scale }) as AvroSchema;
    const registry = await withVersions(decimal(2));
    const read = await opened(avro({ registry, schema: decimal(3) }), 'in');
    await expect(read.pending?.(written(1, 2, 0x7d))).rejects.toThrow('decimal of scale 2 cannot be read as decimal of scale 3');
  });

  it('reads what a schema of its own wrote, whatever its defaults are', async () => {
    const fields = [
      { name: 'long', type: 'long', default: 7 },
      { name: 'bytes', type: 'bytes', default: '\u00ff' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 },
    ] as const;
    const registry = await withVersions({ type: 'record', name: 'R', fields });
    const read = await opened(avro({ registry, schema: { type: 'record', name: 'R', fields } }), 'in');
    await read.pending?.(written(1));
    expect(read.decode(written(1, 2, 0, 0))).toEqual({ long: 1n, bytes: Buffer.alloc(0), at: new Date(0) });
  });

  it("reads what was written with a schema whose defaults are none: others' clients register them unchecked", async () => {
    const registry = await withVersions(v1);
    const schema = JSON.stringify({ ...v1, fields: [{ name: 'id', type: 'string', default: 7 }] });
    vi.spyOn(registry, 'schemaById').mockResolvedValue({ ...(await registry.schemaById(1)), schema });
    const input = await opened(avro({ registry, schema: v2 }), 'in');
    await input.pending?.(framed(1, 2, 97));
    expect(input.decode(framed(1, 2, 97))).toEqual({ id: 'a', n: 7 });
  });

  it('says with the ids of both why a schema cannot be read, once and for all', async () => {
    const registry = await withVersions(v1, v2, v3);
    const read = await opened(avro({ registry, schema: v2 }), 'in');
    const why = 'schema 3, of the writer, cannot be read as schema 2, of the reader: int cannot be read as string at id';
    await expect(read.pending?.(written(3, 2))).rejects.toMatchObject({ code: 'schema_violation', message: why });
    expect(read.pending?.(written(3, 2))).toBeUndefined();
    expect(refusal(() => read.decode(written(3, 2))).message).toBe(why);
  });

  it('learns the id of its own schema when a record has it', async () => {
    const registry = await withVersions(v1);
    const read = await opened(avro({ registry, schema: v2 }), 'in');
    await read.pending?.(written(1));
    const broken = (): string => refusal(() => read.decode(written(1, 4))).message;
    expect(broken()).toContain('read as its own schema (which is no version of orders-value)');
    await registry.register('other', { schema: JSON.stringify(v2) });
    await read.pending?.(written(2));
    expect(broken()).toContain('written with schema 1, read as schema 2');
  });

  it('names the schemas of what cannot be read', async () => {
    const read = await opened(avro({ registry: await withVersions(v1, v2), schema: v2 }), 'in');
    await read.pending?.(written(1));
    expect(refusal(() => read.decode(written(1, 4, 97))).message).toBe(
      'expected more bytes (in 7 bytes of Avro), written with schema 1, read as schema 2',
    );
  });

  it('refuses an id that the registry does not know, and asks again later', async () => {
    const registry = await withVersions(v1);
    const read = await opened(avro({ registry }), 'in');
    await expect(read.pending?.(written(2, 0, 0))).rejects.toMatchObject({ code: 'decode_failed', message: /has none: schema 2/ });
    expect(read.pending?.(written(2, 0, 0))).toBeUndefined();
    expect(refusal(() => read.decode(written(2, 0, 0))).code).toBe('decode_failed');
    await registry.register('orders-value', { schema: JSON.stringify(v2) });
    await clock.advance(10_000);
    await read.pending?.(written(2, 0, 0));
    expect(read.decode(written(2, 0, 0))).toEqual({ id: '', n: 0 });
  });

  it.each([
    ['of another kind', { schema: '{}', schemaType: 'JSON' as const }, 'expected an Avro schema, schema 1 of the registry is of type JSON'],
    ['that replaces prototypes', { schema: '{"type":"record","name":"__proto__","fields":[]}' }, 'which replaces prototypes'],
  ])('refuses a schema %s', async (_, schema, why) => {
    const registry = {
      ...memoryRegistry(),
      schemaById: () => Promise.resolve({ schemaType: 'AVRO' as const, references: [], id: 1, ...schema }),
    };
    const read = await opened(avro({ registry: Object.assign(memoryRegistry(), registry) }), 'in');
    await expect(read.pending?.(written(1))).rejects.toMatchObject({
      code: 'schema_violation',
      message: expect.stringContaining(why) as string,
    });
  });

  it.each([
    [[], "not framed for a schema registry: expected 5 bytes (0, and a schema's id) before the value, got 0"],
    [[0, 0, 0, 1], 'got 4'],
    [[1, 0, 0, 0, 1, 0], 'expected 0 as the first of 6 bytes, got 1'],
    [[...Buffer.from('{"a":1}')], 'it may be plain JSON: read it with json()'],
    [[0, 255, 0, 0, 1], 'got a negative number'],
  ])('refuses bytes without a frame at once: %j', async (bytes, why) => {
    const read = await opened(avro({ registry: memoryRegistry() }), 'in');
    expect(read.pending?.(Uint8Array.from(bytes))).toBeUndefined();
    const error = refusal(() => read.decode(Uint8Array.from(bytes)));
    expect([error.code, error.message]).toEqual(['decode_failed', expect.stringContaining(why)]);
  });

  it('waits while the registry is away, goes on with what it knows, and says so', async () => {
    const registry = await withVersions(v1, v2);
    const logged: string[] = [];
    const read = await opened(avro({ registry }), 'in', { log: (level, message) => logged.push(`${level} ${message}`) });
    await read.pending?.(written(1, 0));
    registry.setAvailable(false);
    let isOver = false;
    const waiting = read.pending?.(written(2, 0, 0))?.then(() => {
      isOver = true;
    });
    await clock.advance(60_000);
    expect(isOver).toBe(false);
    expect(read.pending?.(written(1, 0))).toBeUndefined();
    expect(read.trouble?.()).toMatch(
      /^the schema registry in memory is set to be away, since 20\d\d-.*Z; records with schemas that were not seen before wait$/,
    );
    registry.setAvailable(true);
    await clock.advance(10_000);
    await waiting;
    expect(read.trouble?.()).toBeUndefined();
    expect(read.decode(written(2, 0, 0))).toEqual({ id: '', n: 0 });
    expect(logged).toEqual([
      'warn records wait for a schema: the schema registry in memory is set to be away',
      'info the schema registry at memory answers again',
    ]);
  });

  it('ends its waits when it is closed', async () => {
    const registry = await withVersions(v1);
    const own = virtualClock();
    const read = await opened(avro({ registry }), 'in', { clock: own });
    registry.setAvailable(false);
    const waiting = read.pending?.(written(1, 0));
    await own.advance(1_000);
    await read.close?.();
    await waiting;
    await own.runUntilIdle(); // no timer is left
  });

  it('fails to open while the registry is away, for a reason that may pass', async () => {
    const registry = await withVersions(v1);
    registry.setAvailable(false);
    const error = await failureOf(opened(avro({ registry, schema: v1 }), 'in'));
    expect([error.code, error.retryable]).toEqual(['registry_unavailable', true]);
  });
});

describe('what is no use of avro with a registry', () => {
  const registry = memoryRegistry();

  it.each<[string, () => unknown, RegExp]>([
    [
      'no registry',
      () => avro({ registry: {} as never }),
      /avro.registry must be registry\({ url }\) or memoryRegistry\(\), got one without schemaById\(\)/,
    ],
    ['an option that means nothing', () => avro({ registry, subjects: 'x' } as never), /did you mean subject\?/],
    ['no schema', () => avro({ registry, schema: { type: 'nothing' } as never }), /avro.schema is no Avro schema/],
    ['no strategy', () => avro({ registry, strategy: 'both' as never }), /avro.strategy must be topic, record/],
    ['references of nothing', () => avro({ registry, references: [{ name: 'x', subject: 'x', version: 1 }] }), /give avro.schema, too/],
    ['a codec that is not open', () => avro({ registry }).decode(null), /is used by topics/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
