import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { PairLine } from '../../pipelines/synthesis/pair-line.ts';
import { json } from '../../src/codec/json.ts';
import { topic } from '../../src/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { runCli } from '../cli/run-cli.ts';
import { startAgentServer } from '../helpers/agent-server.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

describeWithKafka('synthesis on Kafka', () => {
  it('takes seeds from a topic, and sends pairs to one', async () => {
    const { brokers } = await sharedKafka();
    const [seeds, pairs, out] = [`seeds-${randomUUID()}`, `pairs-${randomUUID()}`, await mkdtemp(join(tmpdir(), 'millrace-synthesis-'))];
    const server = await startAgentServer();
    const transport = kafka({ brokers: [...brokers] });
    const client = connect(transport);
    onTestFinished(async () => {
      await client.close();
      await transport.close();
      await server.close();
      await rm(out, { recursive: true, force: true });
    });
    await transport.createTopics([{ name: seeds }, { name: pairs }]);
    await client.produce(topic(seeds, json(z.unknown())), [
      { key: null, value: 'primes' },
      { key: null, value: { id: 'own', name: 'squares' } },
    ]);
    const config = join(out, 'config.json');
    const small = { environment_mode: 'math', max_depth: 1, branching_factor: 1, max_workers: 2 };
    await writeFile(config, JSON.stringify({ ...small, model: `${server.url}#toy` }));
    const where = ['--brokers', brokers.join(), '--topic-prefix', `p-${randomUUID()}`, '--pairs-topic', pairs];
    const { code, stderr } = await runCli(['synthesize', 'custom', config, `topic:${seeds}`, out, ...where]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('2 seeds, math')]);

    const sent: PairLine[] = [];
    const failures: unknown[] = [];
    const reading = client
      .consume(topic(pairs, json(z.custom<PairLine>())), { from: 'earliest' })
      .subscribe({ next: ({ value }) => sent.push(value), error: (error: unknown) => failures.push(error) });
    await until('a pair of each seed', () => new Set(sent.map(({ source_id: id }) => id)).size === 2);
    reading.unsubscribe();
    expect(failures).toEqual([]);
    expect(sent.map(({ source_id: id }) => id)).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), 'own']);
  });
});
