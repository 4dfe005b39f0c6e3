import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { mapValue } from '../../operators/map-value.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import { json } from '../../src/codec/json.ts';
import { registry } from '../../src/codec/registry/registry.ts';
import { decodeHistory } from '../../src/flow/failure-history.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { headerText } from '../../src/record/record.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { serveHttp } from '../../src/serve/serve-http.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { registryServer } from '../helpers/registry-server.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

const order = (...fields: readonly { readonly name: string; readonly type: string; readonly default?: unknown }[]) =>
  ({ type: 'record', name: 'Order', fields }) as const;
const id = { name: 'id', type: 'string' };
const amount = { name: 'amount', type: 'long' };
const v1 = order(id, amount);
const v2 = order(id, amount, { name: 'note', type: 'string', default: 'none' });
const v3 = order(id, { name: 'amount', type: 'string' });

/** A pipeline that reads orders as version 2, on a broker of its own topics and with a registry that can be away. */
async function orders(delivery: 'at-least-once' | 'exactly-once') {
  const { brokers } = await sharedKafka();
  const transport = kafka({ brokers });
  const world = { isAway: false };
  const server = await registryServer({
    fault: (_, response) => {
      if (world.isAway) response.socket?.destroy();
      return world.isAway;
    },
  });
  const name = `orders-${randomUUID()}`;
  await transport.createTopics(['in', 'out', 'dead'].map((one) => ({ name: `${name}.${one}`, partitions: 3 })));
  server.schemas.setCompatibility(`${name}.in-value`, 'NONE');
  await server.schemas.register(`${name}.in-value`, { schema: JSON.stringify(v2) }); // readers first, as BACKWARD has it
  // each program has a registry of its own: what one has cached is no help to the other
  const written = (schema: typeof v1) => topic(`${name}.in`, avro({ registry: registry({ url: server.url }), schema }));
  const input = topic(`${name}.in`, avro({ registry: registry({ url: server.url, retryMs: 20, attempts: 2 }), schema: v2 }));
  const [output, dead] = [topic(`${name}.out`, json()), topic(`${name}.dead`)];
  const pipeline = definePipeline({
    name,
    input,
    output,
    deadLetter: dead,
    delivery,
    process: (source) =>
      source.pipe(
        mapValue(
          (value: unknown) =>
            JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one))) as unknown,
        ),
      ),
  });
  const lines: string[] = [];
  const log = { ...silentLog, warn: (details: object, message: string) => void lines.push(`${message} ${JSON.stringify(details)}`) };
  const client = connect(transport, { log: silentLog });
  const app = await start(pipeline, { transport, log, signals: false });
  const outputs: unknown[] = [];
  const letters: { readonly code: string | undefined; readonly history: string; readonly bytes: Uint8Array | null }[] = [];
  const errors: unknown[] = [];
  const fail = (error: unknown): void => void errors.push(error);
  const reading = [
    client.consume(output).subscribe({ next: ({ value }) => outputs.push(value), error: fail }),
    client.consume(dead).subscribe({
      next: ({ value, headers }) => {
        const { entries } = decodeHistory(headerText(headers, 'millrace.history'));
        letters.push({ code: headerText(headers, 'millrace.error.code'), history: JSON.stringify(entries), bytes: value });
      },
      error: fail,
    }),
  ];
  onTestFinished(async () => {
    for (const one of reading) one.unsubscribe();
    await app.drain({ deadlineMs: 1_000 });
    await client.close();
    await transport.close();
    await server.close();
    expect(errors).toEqual([]);
  });
  const idOf = async (schema: object): Promise<number> =>
    (await server.schemas.lookup(`${name}.in-value`, { schema: JSON.stringify(schema) })).id;
  return { world, server, name, app, client, written, outputs, letters, lines, transport, idOf };
}

const some = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ key: `k${String(n % 9)}`, id: `${prefix}-${String(n)}` }));

describeWithKafka('schemas of a registry on Kafka', () => {
  it.each(['at-least-once', 'exactly-once'] as const)(
    'evolve while the pipeline runs: what can be read is, what cannot goes to the dead letters with both schemas, %s',
    async (delivery) => {
      const o = await orders(delivery);
      await o.client.produce(
        o.written(v1),
        some('v1', 30).map(({ key, id }) => ({ key, value: { id, amount: 1n } as never })),
      );
      await until('version 1 is read', () => o.outputs.length === 30);
      await o.client.produce(
        o.written(v2),
        some('v2', 30).map(({ key, id }) => ({ key, value: { id, amount: 2n, note: 'new' } as never })),
      );
      await o.client.produce(
        o.written(v3),
        some('v3', 5).map(({ key, id }) => ({ key, value: { id, amount: 'three' } as never })),
      );
      await o.client.produce(
        o.written(v1),
        some('late', 30).map(({ key, id }) => ({ key, value: { id, amount: 3n } as never })),
      );
      await until('all have ended', () => o.outputs.length === 90 && o.letters.length === 5);
      expect(new Set(o.outputs.map((one) => JSON.stringify(one)))).toEqual(
        new Set([
          ...some('v1', 30).map(({ id }) => JSON.stringify({ id, amount: 1, note: 'none' })),
          ...some('v2', 30).map(({ id }) => JSON.stringify({ id, amount: 2, note: 'new' })),
          ...some('late', 30).map(({ id }) => JSON.stringify({ id, amount: 3, note: 'none' })),
        ]),
      );
      const [reader, writer] = [await o.idOf(v2), await o.idOf(v3)];
      for (const { code, history, bytes } of o.letters) {
        expect(code).toBe('schema_violation');
        expect(history).toContain(`schema ${String(writer)}, of the writer`);
        expect(history).toContain(`schema ${String(reader)}, of the reader`);
        expect(Buffer.from(bytes ?? []).readUInt32BE(1)).toBe(writer);
        expect(history).not.toContain('three');
      }
      expect(o.app.stats()).toMatchObject({ done: 90, failed: 5, lag: 0n });
    },
    60_000,
  );

  it.each(['at-least-once', 'exactly-once'] as const)(
    'may be away: known ids go on, new ones wait with their partitions, health says so, and nothing is lost, %s',
    async (delivery) => {
      const o = await orders(delivery);
      const health = await serveHttp(o.app, { port: 0 });
      onTestFinished(() => health.close());
      const ask = async (path: string): Promise<Record<string, unknown>> =>
        (await (await fetch(`${health.url}${path}`)).json()) as Record<string, unknown>;
      const v1Topic = o.written(v1);
      const v2Topic = o.written(v2);
      await o.client.produce(
        v1Topic,
        some('before', 9).map(({ key, id }) => ({ key, value: { id, amount: 1n } as never })),
      );
      await until('version 1 is known', () => o.outputs.length === 9);
      await o.client.produce(v2Topic, [{ key: 'k0', value: { id: 'first-0', amount: 2n, note: 'new' } }]);
      await until('version 2 is known', () => o.outputs.length === 10);
      // a third version comes while the registry is away, to one partition of three
      const { id: newId } = await o.server.schemas.register(`${o.name}.in-value`, {
        schema: JSON.stringify(order(id, amount, { name: 'note', type: 'string', default: 'later' })),
      });
      o.world.isAway = true;
      const producer = await o.transport.produce();
      const framed = (said: string): Uint8Array => {
        const head = Buffer.from([0, 0, 0, 0, 0]);
        head.writeUInt32BE(newId, 1);
        const text = Buffer.from(said);
        return Buffer.concat([head, Buffer.from([text.length * 2]), text, Buffer.from([8, 8]), Buffer.from('note')]);
      };
      await producer.send(`${o.name}.in`, 0, [{ key: null, value: framed('new-0'), headers: [] }]);
      await until('it waits', () => o.app.stats().unreadable.length === 1);
      await o.client.produce(
        v1Topic,
        some('meanwhile', 60).map(({ key, id }) => ({ key, value: { id, amount: 3n } as never })),
      );
      await until(
        'the other partitions go on',
        () => o.app.stats().lag > 0n && o.outputs.length > 10 && o.app.stats().recordsInFlight === 0,
      );
      await until('it is told', () => o.app.stats().troubles.length === 1, 20_000);
      const ready = await ask('/readyz');
      expect(ready).toMatchObject({ ready: true, troubles: [expect.stringContaining(`${o.name}.in/0 waits for it`)] });
      expect(await ask('/healthz')).toMatchObject({
        status: 'trouble',
        troubles: [expect.stringMatching(/the schema registry at 127\.0\.0\.1/)],
      });
      const stopped = o.outputs.length;
      expect(stopped).toBeLessThan(70);
      o.world.isAway = false;
      await until('it goes on by itself', () => o.outputs.length === 71);
      const ids = o.outputs.map((one) => (one as { readonly id: string }).id);
      expect(new Set(ids)).toEqual(
        new Set(['first-0', 'new-0', ...some('before', 9).map((one) => one.id), ...some('meanwhile', 60).map((one) => one.id)]),
      );
      expect(ids).toHaveLength(71);
      await until('health is well again', () => o.app.stats().troubles.length === 0);
      // of the registry: a busy machine may have lost a broker for a moment, too
      expect(o.lines.filter((one) => one.includes('"where":"codecs.'))).toEqual([
        expect.stringMatching(/^does not work at present /),
        expect.stringMatching(/^works again /),
      ]);
      await producer.close();
    },
    60_000,
  );
});
