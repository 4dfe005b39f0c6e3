import { writeFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { consumeCommand } from '../../src/cli/consume-command.ts';
import { produceCommand } from '../../src/cli/produce-command.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import { ordersFile, orderValues } from '../conformance/avro-files/orders.ts';
import { allOf } from '../helpers/all-of.ts';
import { avroScene, errorOf, foreign, read, v1, v2 } from './avro-scene.ts';

const scene = avroScene();

describe('millrace produce --avro', () => {
  it("writes the values of another program's file, framed, with its schema registered, and consume writes them to a file", async () => {
    const { told } = await scene().run(produceCommand, ['orders', foreign], { avro: 'registry' });
    expect(told).toEqual([`${String(orderValues.length)} records written to orders`]);
    const { id } = await scene().registry.schemas.bySubject('orders-value', 'latest');
    for (const value of scene().values('orders')) expect([value[0], value.readInt32BE(1)]).toEqual([0, id]);
    const out = scene().path('copy.avro');
    const copied = await scene().run(consumeCommand, ['orders'], { avro: 'registry', all: true, out }, true);
    expect([copied.code, copied.lines.map((line): unknown => JSON.parse(line))]).toEqual([
      0,
      [{ topic: 'orders', out, records: orderValues.length, tombstones: 0, unreadable: 0 }],
    ]);
    expect(await read(out)).toEqual(orderValues);
  });

  it('writes plain values without a registry, and reads them with their schema', async () => {
    vi.stubEnv('MILLRACE_SCHEMA_REGISTRY_URL', '');
    const values = [
      { id: 'a', total: 1n },
      { id: 'b', total: 2n ** 60n },
    ];
    const file = await scene().write('sales.avro', v2, values);
    await scene().run(produceCommand, ['sales', file], { avro: 'plain', keyField: 'id' });
    expect(
      scene()
        .values('sales')
        .map((bytes) => avro(v2).decode(bytes)),
    ).toEqual(values);
    expect(scene().keys('sales')).toEqual(['a', 'b']);
    const schema = scene().path('sale.avsc');
    await writeFile(schema, JSON.stringify(v2));
    const { lines } = await scene().run(consumeCommand, ['sales'], { avro: 'plain', schema, all: true });
    expect(lines).toEqual(['{"id":"a","total":"1"}', '{"id":"b","total":"1152921504606846976"}']);
  });

  it('reads the file as --schema by the rules of Avro, and registers that one', async () => {
    const schema = scene().path('sale.avsc');
    await writeFile(schema, JSON.stringify(v2));
    await scene().run(produceCommand, ['sales', await scene().write('old.avro', v1, [{ id: 'a' }])], { avro: 'registry', schema });
    expect(JSON.parse((await scene().registry.schemas.bySubject('sales-value', 'latest')).schema)).toEqual(v2);
    expect(
      scene()
        .values('sales')
        .map((bytes) => avro(v2).decode(bytes.subarray(5))),
    ).toEqual([{ id: 'a', total: 7n }]);
  });

  it('names the file and the block that is damaged, when all before it is written', async () => {
    const bytes = Buffer.concat(await allOf(ordersFile('null').write(orderValues)));
    const sync = Buffer.from('0123456789abcdef');
    const [, second = 0] = [...bytes.toString('latin1').matchAll(new RegExp(sync.toString(), 'g'))].map(({ index }) => index + 16);
    bytes[second + 4] = 0xff; // within the lengths of the second block
    bytes.fill(0xff, second, second + 12);
    const path = scene().path('damaged.avro');
    await writeFile(path, bytes);
    const written = await errorOf(scene().run(produceCommand, ['orders', path], { avro: 'plain' }));
    expect(written).toMatch(new RegExp(`^${path}: the block at byte ${String(second)} of the Avro file, behind 0 of its values: `));
    const [, before = ''] = /; (\d+) records were written before it$/.exec(written) ?? [];
    expect(scene().values('orders')).toHaveLength(Number(before));
    expect(Number(before)).toBeGreaterThan(0);
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a field that is not there', { avro: 'plain', keyField: 'nr' }, /sales.avro: value 1 has no field "nr" \(--key-field\); 0 records/],
    ['a field that is no key', { avro: 'plain', keyField: 'parts' }, /value 1 has a field "parts" that is no key: expected text/],
    ['a key separator', { avro: 'plain', keySeparator: '|' }, /--key-separator contradicts --avro/],
    ['a key field of lines', { keyField: 'id' }, /--key-field is of Avro/],
    ['a schema of lines', { schema: 'x.avsc' }, /--schema is of Avro/],
    ['a schema that is not there', { avro: 'plain', schema: '/none.avsc' }, /\/none\.avsc cannot be read as JSON: .*ENOENT/],
  ])('refuses %s', async (_, options, message) => {
    const schema = { ...v1, fields: [...v1.fields, { name: 'parts', type: { type: 'array', items: 'int' } }] } as const;
    const file = await scene().write('sales.avro', schema, [{ id: 'a', parts: [] }]);
    expect(await errorOf(scene().run(produceCommand, ['sales', file], options))).toMatch(message);
  });

  it('says that a file is none of Avro', async () => {
    const path = scene().path('orders.json');
    await writeFile(path, '{"id":"a"}\n');
    expect(await errorOf(scene().run(produceCommand, ['sales', path], { avro: 'plain' }))).toMatch(
      /orders\.json: expected an Avro file, which begins with Obj.*; 0 records were written before it/,
    );
  });
});
