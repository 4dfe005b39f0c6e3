import { afterEach, describe, expect, it } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { CodecUse } from '../../../src/codec/codec.ts';
import { resolveReferences } from '../../../src/codec/internal/resolve-references.ts';
import { openCodec } from '../../../src/codec/open-codec.ts';
import { registry } from '../../../src/codec/registry/registry.ts';
import { systemClock } from '../../../src/clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { type RegistryServer, registryServer } from '../../helpers/registry-server.ts';

const money = { type: 'record', name: 'Money', namespace: 'acme', fields: [{ name: 'cents', type: 'long' }] };
const item = { type: 'record', name: 'Item', namespace: 'acme', fields: [{ name: 'price', type: 'acme.Money' }] };
const cart = {
  type: 'record',
  name: 'Cart',
  fields: [
    { name: 'items', type: { type: 'array', items: 'acme.Item' } },
    { name: 'paid', type: ['null', 'acme.Money'] },
  ],
} as const;
const [toMoney, toItem] = [
  { name: 'acme.Money', subject: 'money', version: 1 },
  { name: 'acme.Item', subject: 'item', version: 1 },
];
const value = { items: [{ price: { cents: 5n } }, { price: { cents: 7n } }], paid: null };
const open: RegistryServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const use = (direction: 'in' | 'out'): CodecUse => ({
  ...{ topic: 'carts', part: 'value', direction, clock: systemClock },
  signal: new AbortController().signal,
  log: () => undefined,
});

/** A registry over HTTP in which an item speaks of money. */
async function shop() {
  const server = await registryServer();
  open.push(server);
  const client = () => registry({ url: server.url, retryMs: 0 });
  await client().register('money', { schema: JSON.stringify(money) });
  await client().register('item', { schema: JSON.stringify(item), references: [toMoney] });
  return { server, client };
}

describe('schemas that speak of others, over HTTP', () => {
  it('are written with and read, each of the others asked for once', async () => {
    const { server, client } = await shop();
    const out = await openCodec(avro({ registry: client(), schema: cart, references: [toItem, toMoney] }), use('out'));
    const bytes = out.encode(value);
    server.questions.length = 0;
    const read = await openCodec(avro({ registry: client() }), use('in')); // of another program, which knows nothing
    await read.pending?.(bytes);
    expect(read.decode(bytes)).toEqual(value);
    expect(read.pending?.(bytes)).toBeUndefined();
    expect(server.questions.map(({ path }) => path)).toEqual(['/schemas/ids/3', '/subjects/item/versions/1', '/subjects/money/versions/1']);
  });

  it('come each behind those that they speak of', async () => {
    const { client } = await shop();
    const found = await resolveReferences(client(), [toItem, toMoney], {});
    expect(found.map(({ name }) => name)).toEqual(['acme.Money', 'acme.Item']);
  });

  it('make records wait while one of the others cannot be asked for, and no dead letters', async () => {
    const { server, client } = await shop();
    const out = await openCodec(avro({ registry: client(), schema: cart, references: [toItem, toMoney] }), use('out'));
    const bytes = out.encode(value);
    const world = { isAway: true };
    const far = await registryServer({
      fault: ({ path }, response) => {
        if (world.isAway && path.includes('money')) response.socket?.destroy();
        return world.isAway && path.includes('money');
      },
    });
    open.push(far);
    for (const [subject, schema] of [
      ['money', money],
      ['item', item],
      ['carts-value', cart],
    ] as const)
      await far.schemas.register(subject, {
        schema: JSON.stringify(schema),
        references: subject === 'money' ? [] : subject === 'item' ? [toMoney] : [toItem, toMoney],
      });
    const read = await openCodec(avro({ registry: registry({ url: far.url, retryMs: 0, attempts: 1 }) }), use('in'));
    const waiting = read.pending?.(bytes);
    await expect.poll(() => read.trouble?.()).toContain('records with schemas that were not seen before wait');
    world.isAway = false;
    await waiting;
    expect(read.decode(bytes)).toEqual(value);
    expect(server.questions.length).toBeGreaterThan(0);
  });

  it('fail the start where there is none, by its name', async () => {
    const { client } = await shop();
    const none = avro({ registry: client(), schema: cart, references: [{ ...toItem, version: 9 }] });
    const error = await failureOf(openCodec(none, use('out')));
    expect([error.code, error.message]).toEqual(['schema_not_found', expect.stringContaining('version 9')]);
  });

  it('are bounded: no circles, no more than 20 deep', async () => {
    const { server } = await shop();
    const endless = {
      ...server.schemas,
      bySubject: (subject: string) =>
        Promise.resolve({ schema: '"int"', references: [{ name: subject, subject: `${subject}x`, version: 1 }] }),
    };
    const circle = { ...server.schemas, bySubject: () => Promise.resolve({ schema: '"int"', references: [toItem] }) };
    await expect(resolveReferences(endless as never, [toItem], {})).rejects.toThrow(/nests deeper than 20/);
    await expect(resolveReferences(circle as never, [toItem], {})).rejects.toThrow(/leads back to itself/);
  });
});
