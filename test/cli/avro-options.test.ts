import { writeFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { consumeCommand } from '../../src/cli/consume-command.ts';
import { dlqShowCommand } from '../../src/cli/dlq-show-command.ts';
import { produceCommand } from '../../src/cli/produce-command.ts';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import { deadLetterHeaders, withStory } from '../../src/flow/dead-letters.ts';
import { textHeader } from '../../src/record/record.ts';
import { avroScene, errorOf } from './avro-scene.ts';

const scene = avroScene();

const sale = {
  type: 'record',
  name: 'Sale',
  fields: [
    { name: 'shop', type: 'string' },
    { name: 'nr', type: 'long' },
    { name: 'buyer', type: ['null', 'string'] },
  ],
} as const;
const saleKey = { type: 'record', name: 'SaleKey', fields: [sale.fields[0], sale.fields[1]] } as const;
const values = [
  { shop: 'north', nr: 1n, buyer: 'ann' },
  { shop: 'south', nr: 2n ** 60n, buyer: null },
];

const file = async (name: string, schema: AvroSchema): Promise<string> => {
  await writeFile(scene().path(name), JSON.stringify(schema));
  return scene().path(name);
};
const produce = async (options: Readonly<Record<string, unknown>>): Promise<void> => {
  await scene().run(produceCommand, ['sales', await scene().write('sales.avro', sale, values)], options);
};
const rawKeys = (): readonly (Uint8Array | null)[] =>
  scene()
    .transport.broker.records('sales', 0)
    .map(({ key }) => key);
const consumed = async (options: Readonly<Record<string, unknown>>, isJson = false): Promise<readonly string[]> =>
  (await scene().run(consumeCommand, ['sales'], { all: true, ...options }, isJson)).lines;

describe('Avro keys on the command line', () => {
  it('are the fields of each value that the schema of keys names, registered and framed as keys', async () => {
    const keySchema = await file('key.avsc', saleKey);
    await produce({ avro: 'registry', keyAvro: 'registry', keySchema });
    const { id, schema } = await scene().registry.schemas.bySubject('sales-key', 'latest');
    expect(JSON.parse(schema)).toEqual(saleKey);
    const keys = rawKeys().map((key) => Buffer.from(key ?? []));
    expect(keys.map((key) => [key[0], key.readInt32BE(1), avro(saleKey).decode(key.subarray(5))])).toEqual(
      values.map(({ shop, nr }) => [0, id, { shop, nr }]),
    );
    expect(await consumed({ avro: 'registry', keyAvro: 'registry' })).toEqual([
      '{"shop":"north","nr":"1"}\t{"shop":"north","nr":"1","buyer":"ann"}',
      `{"shop":"south","nr":"${String(2n ** 60n)}"}\t{"shop":"south","nr":"${String(2n ** 60n)}","buyer":null}`,
    ]);
    const [first] = await consumed({ keyAvro: 'registry', avro: 'registry' }, true);
    expect(JSON.parse(first ?? '')).toMatchObject({ key: { shop: 'north', nr: '1' }, value: { buyer: 'ann' } });
  });

  it('are one field with the type that it has there, no key where it is null, and are read by a schema that is named', async () => {
    await produce({ avro: 'plain', keyAvro: 'plain', keyField: 'buyer' });
    expect(rawKeys()).toEqual([Uint8Array.from(Buffer.from('\u0006ann')), null]);
    const [schema, keySchema] = [await file('sale.avsc', sale), await file('text.avsc', 'string')];
    expect(await consumed({ avro: 'plain', schema, keyAvro: 'plain', keySchema, max: 2 })).toEqual([
      'ann\t{"shop":"north","nr":"1","buyer":"ann"}',
      expect.stringMatching(/^null\t/),
    ]);
  });

  it('are of the registry that --registry names, whatever the environment says', async () => {
    vi.stubEnv('MILLRACE_SCHEMA_REGISTRY_URL', 'http://127.0.0.1:1');
    await produce({ avro: 'registry', keyAvro: 'registry', keyField: 'nr', registry: `http://127.0.0.1:2,${scene().registry.url}` });
    expect(await consumed({ keyAvro: 'registry', registry: scene().registry.url, max: 1 })).toEqual([expect.stringMatching(/^1\t/)]);
  });

  it('are shown of dead letters, and what cannot be read as it is, with the reason', async () => {
    const { transport } = scene();
    await transport.createTopics([{ name: 'dead' }]);
    const names = deadLetterHeaders;
    const story = Object.entries({
      [names.topic]: 'sales',
      [names.partition]: '0',
      [names.offset]: '7',
      [names.code]: 'decode_failed',
      [names.message]: 'm',
      [names.pipeline]: 'p',
      [names.failedAt]: '2026-03-01T10:00:00.000Z',
    });
    const headers = withStory(
      [],
      story.map(([name, text]) => textHeader(name, text)),
    );
    const key = avro(saleKey).encode({ shop: 'north', nr: 1n });
    transport.broker.append('dead', 0, [{ key, value: Buffer.from('"no Avro"'), headers }]);
    const given = {
      payload: true,
      avro: 'plain',
      schema: await file('sale.avsc', sale),
      keyAvro: 'plain',
      keySchema: await file('key.avsc', saleKey),
    };
    const { lines } = await scene().run(dlqShowCommand, ['dead'], given);
    expect(lines.join('\n')).toMatch(/key +\{"shop":"north","nr":"1"\}\n.*\n +value +"no Avro"\n +no Avro +value: expected/);
    const { lines: json } = await scene().run(dlqShowCommand, ['dead'], given, true);
    expect(JSON.parse(json[0] ?? '')).toMatchObject({
      unreadable: { value: expect.stringMatching(/^expected/) as unknown },
      record: { key: { shop: 'north', nr: '1' }, value: '"no Avro"' },
    });
    expect(await errorOf(scene().run(dlqShowCommand, ['dead'], { keyAvro: 'registry' }))).toMatch(/say --payload, too/);
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    [
      'keys of which nothing is said',
      { avro: 'plain', keyAvro: 'plain' },
      /--key-avro does not say what the keys are: .*--key-field.*--key-schema/,
    ],
    ['a field that the schema has not', { avro: 'plain', keyAvro: 'plain', keyField: 'no' }, /the schema of the values has no field "no"/],
    ['keys of lines', { keyAvro: 'registry' }, /--key-avro takes keys from Avro values/],
    ['a schema of keys that are no Avro', { keySchema: 'x' }, /--key-schema is of Avro: say --key-avro/],
    ['a registry that nobody asks', { avro: 'plain', registry: 'http://x' }, /--registry is of Avro: say --avro registry/],
    ['a registry that is no URL', { avro: 'registry', registry: 'here' }, /registry\.url/],
  ])('refuses %s', async (_, options, message) => {
    expect(await errorOf(produce(options))).toMatch(message);
  });

  it('refuses a key that does not fit, and says which', async () => {
    const other = { type: 'record', name: 'Other', fields: [{ name: 'city', type: 'string' }] } as const;
    const keySchema = await file('other.avsc', other);
    expect(await errorOf(produce({ avro: 'plain', keyAvro: 'plain', keySchema }))).toMatch(
      /the key of value 1: expected a value of the schema.* at city/,
    );
    expect(
      await errorOf(
        scene()
          .transport.createTopics([{ name: 'sales' }])
          .then(() => consumed({ keyAvro: 'plain' })),
      ),
    ).toMatch(/name it with --key-schema/);
    expect(await errorOf(consumed({ avro: 'registry', keyAvro: 'registry', out: 'x' }))).toMatch(
      /leave --keys, --key-avro and --headers out/,
    );
  });
});
