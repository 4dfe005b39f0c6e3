import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { bytes } from '../../src/codec/bytes.ts';
import { json } from '../../src/codec/json.ts';
import { topic } from '../../src/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { runCli } from '../cli/run-cli.ts';
import { startModelServer } from '../helpers/inference/model-server.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

interface Line {
  readonly status: string;
  readonly input: { readonly id: string; readonly fields?: object };
  readonly error?: { readonly code: string };
  readonly usage: { readonly calls: number; readonly fromJournal: number };
}

/** Calls that a model answered, and those that the journal did. */
const callsOf = (lines: readonly Line[]): readonly [number, number] => [
  lines.reduce((sum, { usage }) => sum + usage.calls, 0),
  lines.reduce((sum, { usage }) => sum + usage.fromJournal, 0),
];

describeWithKafka('documents on Kafka', () => {
  it('come from a topic, and their answers go to one; a second run reads what is new, and calls for nothing else', async () => {
    const { brokers } = await sharedKafka();
    const [name, prefix, out] = [`letters-${randomUUID()}`, `p-${randomUUID()}`, await mkdtemp(join(tmpdir(), 'millrace-documents-'))];
    const server = await startModelServer('vllm');
    const transport = kafka({ brokers: [...brokers] });
    const client = connect(transport);
    onTestFinished(async () => {
      await client.close();
      await transport.close();
      await server.close();
      await rm(out, { recursive: true, force: true });
    });
    await transport.createTopics([{ name, partitions: 2 }]);
    const letters = topic(name, bytes());
    const write = (key: string, value: string | null): Promise<unknown> =>
      client.produce(letters, [{ key, value: value === null ? null : Buffer.from(value) }]);
    await Promise.all([write('a', 'a plain letter'), write('b', '{"text": "a row", "year": 1999}'), write('c', null)]);

    const run = async (): Promise<readonly Line[]> => {
      const args = ['--task', 'summarize', '--out', out, '--model', `${server.url}#toy`, '--topic-prefix', prefix];
      const { code, stderr } = await runCli(['documents', `topic:${name}`, '--brokers', brokers.join(), ...args]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`answers: ${join(out, 'results.jsonl')}`)]); // 1: the tombstone
      return (await readFile(join(out, 'results.jsonl'), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
    };
    const first = await run();
    expect(first.map(({ status, error }) => error?.code ?? status).sort()).toEqual(['success', 'success', 'unreadable_document']);
    expect(first.flatMap(({ input }) => input.fields ?? [])).toContainEqual({ year: 1999 });
    expect(callsOf(first)).toEqual([2, 0]);

    await write('a', 'a second letter');
    const again = await run();
    expect(callsOf(again)).toEqual([1, 2]);

    const answers: unknown[] = [];
    const reading = client
      .consume(topic(`${prefix}.documents.answers`, json(z.custom<Line>())), { from: 'earliest' })
      .subscribe({ next: ({ value }) => answers.push(value), error: (error: unknown) => answers.push(error) });
    await until('the answers of both runs', () => answers.length === 7);
    reading.unsubscribe();
    expect(new Set((answers as Line[]).map(({ input }) => input.id))).toEqual(new Set(again.map(({ input }) => input.id)));
  });
});
