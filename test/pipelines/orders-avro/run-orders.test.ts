import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { orderSchema, sortedOrderSchema, type SortedOrder } from '../../../pipelines/orders-avro/schema.ts';
import { type OrdersSummary, resultLine, runOrders, type RunOrdersOptions } from '../../../pipelines/orders-avro/run-orders.ts';
import { parseSample } from '../../../pipelines/orders-avro/sample.ts';
import { avro } from '../../../src/codec/avro/avro.ts';
import { memoryRegistry } from '../../../src/codec/memory-registry.ts';
import type { Output } from '../../../src/command.ts';
import { type ScriptedModel, scripted } from '../../../src/inference/scripted/scripted.ts';
import { topic } from '../../../src/pipeline.ts';
import { connect } from '../../../src/runtime/connect.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const sample = parseSample(readFileSync(new URL('../../../pipelines/orders-avro/sample.jsonl', import.meta.url), 'utf8'));
const meant = new Map(sample.map(({ order, meant: kind }) => [order.note, kind]));

/** Knows what we meant by each note. */
const judge = (options: Parameters<typeof scripted>[1] = {}): ScriptedModel =>
  scripted('no chat', {
    capabilities: { embeddings: false },
    latencyMs: { min: 100, max: 300 },
    labels: ({ text }, labels) => {
      const [, kind] = [...meant].find(([note]) => note !== null && text.includes(note)) ?? [];
      return labels.map((label) => (label === kind ? -0.1 : -3));
    },
    ...options,
  });

function stage() {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock });
  const registry = memoryRegistry();
  const lines: string[] = [];
  const json: unknown[] = [];
  const nothing = (): void => undefined;
  const out: Output = {
    ...{ isJson: false, isTty: false, width: 80, note: nothing, live: nothing, table: nothing, drained: () => Promise.resolve() },
    line: (text) => {
      lines.push(text);
    },
    json: (value) => {
      json.push(value);
    },
  };
  const run = async (given: Partial<RunOrdersOptions> = {}): Promise<OrdersSummary> => {
    const options = { transport, registry, model: judge(), prefix: '', sample, clock, log: silentLog, out };
    const running = runOrders({ ...options, signal: new AbortController().signal, ...given });
    const end = { isOver: false };
    const over = (): void => {
      end.isOver = true;
    };
    running.then(over, over);
    for (let i = 0; i < 5_000 && !end.isOver; i += 1) await clock.advance(50);
    return running;
  };
  const records = (topic: string) => [0, 1, 2, 3].flatMap((partition) => transport.broker.records(topic, partition));
  return { clock, transport, registry, lines, json, run, records };
}

describe('orders in Avro', () => {
  it('leave sorted by their notes, each to its topic, and the one in JSON is a dead letter', async () => {
    const s = stage();
    const summary = await s.run();
    expect(summary).toEqual({
      orders: 40,
      ready: 16,
      held: 24,
      failed: 1,
      notes: 32,
      agreed: 32,
      tokens: expect.any(Number) as number,
      isComplete: true,
    });
    expect(s.records('orders.ready')).toHaveLength(16);
    expect(s.records('orders.held')).toHaveLength(24);
    expect(s.lines).toHaveLength(41);
    expect(s.lines.filter((line) => line.startsWith('dead'))).toEqual([
      expect.stringMatching(/decode_failed: .*not framed for a schema registry.*it may be plain JSON/),
    ]);
    expect(s.lines).toContainEqual(expect.stringMatching(/^ready {2}o-4005 {2}none /));
  });

  it('are framed with the id that the registry gave, and whoever knows the schema can read them', async () => {
    const s = stage();
    await s.run();
    const { id } = await s.registry.bySubject('orders.held-value', 'latest');
    const bare = avro(sortedOrderSchema);
    for (const { value, key } of s.records('orders.held')) {
      const bytes = Buffer.from(value ?? []);
      expect([bytes[0], bytes.readInt32BE(1)]).toEqual([0, id]);
      const { order, wants } = bare.decode(bytes.subarray(5));
      expect(order).toEqual(sample.find((one) => one.order.id === order.id)?.order);
      expect([Buffer.from(key ?? []).toString(), wants]).toEqual([order.customer, meant.get(order.note)]);
    }
  });

  it('of a shop that writes an older schema are read with defaults for what it does not know', async () => {
    const s = stage();
    const { fields, ...rest } = orderSchema;
    const older = { ...rest, fields: fields.filter(({ name }) => name !== 'note' && name !== 'deliverOn') };
    const [first] = sample;
    const client = connect(s.transport, { clock: s.clock });
    await s.transport.createTopics([{ name: 'orders', partitions: 4 }]);
    const shop = topic('orders', avro({ registry: s.registry, schema: older }));
    await client.produce(shop, [{ key: 'c-1', value: { ...first?.order, id: 'old' } }]);
    await s.run();
    expect((await s.registry.bySubject('orders-value', 'latest')).version).toBe(2); // what the newer one adds has defaults
    const read = s.records('orders.ready').map(({ value }) => avro(sortedOrderSchema).decode(Buffer.from(value ?? []).subarray(5)).order);
    expect(read.find(({ id }) => id === 'old')).toEqual({ ...first?.order, id: 'old', note: null, deliverOn: null });
  });

  it('without a note cost no call', async () => {
    const s = stage();
    const model = judge();
    await s.run({ model });
    expect(model.stats.calls).toBe(32);
  });

  it('of one customer leave in their order', async () => {
    const s = stage();
    await s.run();
    const bare = avro(sortedOrderSchema);
    for (const topic of ['orders.ready', 'orders.held']) {
      const perCustomer = Map.groupBy(
        s.records(topic).map(({ value }) => bare.decode(Buffer.from(value ?? []).subarray(5)).order),
        ({ customer }) => customer,
      );
      for (const orders of perCustomer.values()) expect(orders.map(({ id }) => id)).toEqual(orders.map(({ id }) => id).toSorted());
    }
  });

  it('come again when they are sent again, and are counted once a run', async () => {
    const s = stage();
    await s.run();
    expect(await s.run()).toMatchObject({ ready: 16, held: 24, failed: 1, isComplete: true });
    expect(s.records('orders.held')).toHaveLength(48);
  });

  it('that fail are dead letters, and the rest goes on', async () => {
    const s = stage();
    const labels: NonNullable<Parameters<typeof judge>[0]>['labels'] = ({ text }, given) => {
      if (text.includes('Norway')) throw new Error('no luck');
      return given.map(() => -1);
    };
    expect(await s.run({ model: judge({ labels }) })).toMatchObject({ failed: 2, isComplete: true });
  });

  it('that are thanked for without conviction are held', async () => {
    const s = stage();
    const labels: NonNullable<Parameters<typeof judge>[0]>['labels'] = (_, given) => given.map((label) => (label === 'thanks' ? -1 : -1.2));
    expect(await s.run({ model: judge({ labels }) })).toMatchObject({ ready: 8, held: 32 });
  });

  it('are finished when somebody ends it, and those that are left are not', async () => {
    const s = stage();
    const controller = new AbortController();
    s.clock.schedule(600, () => {
      controller.abort();
    });
    const summary = await s.run({ signal: controller.signal });
    expect(summary.isComplete).toBe(false);
    expect(summary.ready + summary.held).toBeLessThan(40);
  });

  it('end with the error of a pipeline that cannot go on', async () => {
    const s = stage();
    const model = { name: 'broken', open: () => Promise.reject(new Error('no such model')) };
    await expect(s.run({ model })).rejects.toThrow(/no such model/);
  });
});

describe('a line of results', () => {
  const [first] = sample;
  const sorted: SortedOrder = { order: first?.order as SortedOrder['order'], wants: 'complaint', confidence: 0.517, model: 'm', tokens: 3 };

  it('ends where the terminal does', () => {
    expect(resultLine(sorted, 80)).toBe('held   o-4001  complaint  0.52     39.00 EUR  The last lamp you sent arrived w…');
    expect(resultLine(sorted, 80).length).toBeLessThan(80);
  });
});

describe('the sample', () => {
  it('names the line that is none', () => {
    expect(() => parseSample('{"meant":"none","placedAt":"2026-11-10T08:00:00.000Z"}\n{"placedAt":"soon"}')).toThrow(/^line 2 /);
  });
});
