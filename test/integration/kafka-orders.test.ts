import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runOrders } from '../../pipelines/orders-avro/run-orders.ts';
import { parseSample } from '../../pipelines/orders-avro/sample.ts';
import { systemClock } from '../../src/clock.ts';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import { registry } from '../../src/codec/registry/registry.ts';
import type { Output } from '../../src/command.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { runCli, startCli } from '../cli/run-cli.ts';
import { orderValues } from '../conformance/avro-files/orders.ts';
import { allOf } from '../helpers/all-of.ts';
import { type RegistryServer, registryServer } from '../helpers/registry-server.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';

const foreign = join(import.meta.dirname, '../conformance/avro-files/by-fastavro-zstandard.avro');
const values = (path: string): Promise<unknown[]> => allOf(avroFile().read(createReadStream(path)));
const nothing = (): void => undefined;
const out: Output = {
  ...{ isJson: false, isTty: false, width: 80, line: nothing, json: nothing, note: nothing, live: nothing, table: nothing },
  drained: () => Promise.resolve(),
};

describeWithKafka('Avro on Kafka, with a registry', () => {
  const world = { isAway: false };
  let server: RegistryServer;
  let folder: string;
  let brokers: readonly string[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-orders-'));
    server = await registryServer({
      fault: (_, response) => {
        if (world.isAway) response.socket?.destroy();
        return world.isAway;
      },
    });
    ({ brokers } = await sharedKafka());
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const surroundings = () => ({ env: { MILLRACE_SCHEMA_REGISTRY_URL: server.url } });
  const flags = () => ['--brokers', brokers.join(','), '--avro', 'registry'];

  it('orders are sorted, and the command line reads what came of them', async () => {
    const sample = parseSample(await readFile(new URL('../../pipelines/orders-avro/sample.jsonl', import.meta.url), 'utf8'));
    const meant = new Map(sample.map(({ order, meant: kind }) => [order.note, kind]));
    const model = scripted('no chat', {
      capabilities: { embeddings: false },
      labels: ({ text }, labels) => {
        const [, kind] = [...meant].find(([note]) => note !== null && text.includes(note)) ?? [];
        return labels.map((label) => (label === kind ? -0.1 : -3));
      },
    });
    const transport = kafka({ brokers: [...brokers] });
    const prefix = `${randomUUID()}.`;
    try {
      const summary = await runOrders({
        ...{ transport, registry: registry({ url: server.url }), model, prefix, sample, clock: systemClock, log: silentLog, out },
        signal: new AbortController().signal,
      });
      expect(summary).toMatchObject({ orders: 40, ready: 16, held: 24, failed: 1, notes: 32, agreed: 32, isComplete: true });
    } finally {
      await transport.close();
    }
    const path = join(folder, 'held.avro');
    const { code, stderr } = await runCli(['consume', `${prefix}orders.held`, '--all', '--out', path, ...flags()], surroundings());
    expect([code, stderr]).toEqual([0, expect.stringContaining(`24 records written to ${path}`)]);
    const wanted = sample.filter(({ meant: kind }) => kind !== 'none' && kind !== 'thanks').map(({ order }) => order);
    const found = (await values(path)) as { readonly order: { readonly id: string } }[];
    expect(found.map(({ order }) => order).toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(wanted);
  });

  it('a file of another program goes to a topic and into a file again; a registry that is away is waited for', async () => {
    const [topic, path] = [`orders-${randomUUID()}`, join(folder, 'orders.avro')];
    const produced = await runCli(['produce', topic, foreign, '--create-topics', ...flags()], surroundings());
    expect([produced.code, produced.stderr]).toEqual([
      0,
      expect.stringContaining(`${String(orderValues.length)} records written to ${topic}`),
    ]);
    world.isAway = true;
    const none = await runCli(['produce', topic, foreign, ...flags()], surroundings());
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/schema registry at 127\.0\.0\.1:\d+ gives no answer: ECONNRESET/)]);
    const reader = startCli(['consume', topic, '--from-beginning', '--max', String(orderValues.length), ...flags()], surroundings());
    await reader.seen(/records wait for a schema: .*schema registry/);
    world.isAway = false;
    const shown = await reader.ended;
    expect(shown.code).toBe(0);
    expect(shown.stdout.trim().split('\n')).toHaveLength(orderValues.length);

    const writer = startCli(['consume', topic, '--from-beginning', '--out', path, ...flags()], surroundings());
    await expect
      .poll(
        async () =>
          values(path).then(
            ({ length }) => length,
            () => 0,
          ),
        { timeout: 30_000 },
      )
      .toBe(orderValues.length);
    writer.child.kill('SIGKILL');
    await writer.ended;
    expect(await values(path)).toEqual(orderValues);
  });
});
