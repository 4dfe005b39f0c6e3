import { createReadStream } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { consumeCommand } from '../../src/cli/consume-command.ts';
import { produceCommand } from '../../src/cli/produce-command.ts';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import { exactJson } from '../../src/codec/internal/exact-json.ts';
import { avroScene, errorOf, foreign, read, v1, v2 } from './avro-scene.ts';

const scene = avroScene();

describe('millrace consume --avro', () => {
  const produced = async (topic: string, schema: AvroSchema, values: readonly unknown[]): Promise<void> => {
    const file = await scene().write(`${topic}-${String(Math.random())}.avro`, schema, values);
    await scene().run(produceCommand, [topic, file], { avro: 'registry', keyField: 'id' });
  };

  it('shows each value as it was written, keys beside them, and with --json whole records', async () => {
    await produced('sales', v1, [{ id: 'a' }]);
    await produced('sales', v2, [{ id: 'b', total: 9n }]);
    const { lines } = await scene().run(consumeCommand, ['sales'], { avro: 'registry', all: true, keys: true });
    expect(lines).toEqual(['a\t{"id":"a"}', 'b\t{"id":"b","total":"9"}']);
    const records = await scene().run(consumeCommand, ['sales'], { avro: 'registry', all: true, max: 1 }, true);
    expect(records.lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ topic: 'sales', key: 'a', value: { id: 'a' } }]);
  });

  it('writes a file of the latest schema, without tombstones and what cannot be read, which is told and fails', async () => {
    await produced('sales', v1, [{ id: 'a' }]);
    await produced('sales', v2, [{ id: 'b', total: 9n }]);
    const headers: never[] = [];
    scene().transport.broker.append('sales', 0, [
      { key: null, value: null, headers },
      { key: null, value: Buffer.from('{"id":"c"}'), headers },
    ]);
    await produced('sales', v2, [{ id: 'd', total: 1n }]);
    const out = scene().path('sales.avro');
    const { code, told } = await scene().run(consumeCommand, ['sales'], { avro: 'registry', all: true, out });
    expect(await read(out)).toEqual([
      { id: 'a', total: 7n },
      { id: 'b', total: 9n },
      { id: 'd', total: 1n },
    ]);
    expect([code, told]).toEqual([
      1,
      [
        expect.stringMatching(/^a record cannot be read: expected a value framed|^a record cannot be read: .*not framed/),
        `3 records written to ${out}, without 1 tombstone(s) and 1 that cannot be read`,
      ],
    ]);
  });

  it('writes a file of one schema, where the latest speaks of others', async () => {
    const registry = scene().registry.schemas;
    const nr = { type: 'record', name: 'x.Nr', fields: [{ name: 'nr', type: 'long', default: 9_007_199_254_740_993n }] } as const;
    await registry.register('nr', { schema: exactJson(nr) });
    const references = [{ name: 'x.Nr', subject: 'nr', version: 1 }];
    const fields = [
      { name: 'a', type: 'x.Nr' },
      { name: 'b', type: ['null', 'x.Nr'], default: null },
    ];
    const { id } = await registry.register('sales-value', { schema: JSON.stringify({ ...v1, fields }), references });
    await scene().transport.createTopics([{ name: 'sales' }]);
    scene().transport.broker.append('sales', 0, [{ key: null, value: Buffer.of(0, 0, 0, 0, id, 2, 0), headers: [] }]);
    const out = scene().path('sales.avro');
    expect(await scene().run(consumeCommand, ['sales'], { avro: 'registry', all: true, out })).toMatchObject({ code: 0 });
    expect(await read(out)).toEqual([{ a: { nr: 1n }, b: null }]);
    const whole = (await avroFile().read(createReadStream(out)).header()).schema;
    expect(exactJson(whole)).toContain('"default":9007199254740993');
  });

  it('leaves a file as it is when there is nothing to read', async () => {
    const out = scene().path('kept.avro');
    await copyFile(foreign, out);
    const schema = scene().path('sale.avsc');
    await writeFile(schema, JSON.stringify(v1));
    expect(await errorOf(scene().run(consumeCommand, ['none'], { avro: 'plain', schema, all: true, out }))).toMatch(
      /topic none does not exist/,
    );
    await scene().transport.createTopics([{ name: 'bare' }]);
    expect(await errorOf(scene().run(consumeCommand, ['bare'], { avro: 'registry', all: true, out }))).toMatch(/has none: .*bare-value/);
    expect(await readFile(out)).toEqual(await readFile(foreign));
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    ['--out of what is no Avro', { out: 'x' }, /--out writes an Avro file: say --avro/],
    ['--keys in a file', { avro: 'registry', out: 'x', keys: true }, /--out writes values alone/],
    ['plain values of no schema', { avro: 'plain' }, /--avro plain says nothing of its schema: name it with --schema FILE/],
  ])('refuses %s', async (_, options, message) => {
    await scene().transport.createTopics([{ name: 'sales' }]);
    expect(await errorOf(scene().run(consumeCommand, ['sales'], { all: true, ...options }))).toMatch(message);
  });
});
