import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { of } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { parallel } from '../../pipelines/parallel/index.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { runCli, startCli } from '../cli/run-cli.ts';
import { finishedIn } from '../helpers/killed-run.ts';
import { type ReceivedRequest, startOpenAiServer } from '../helpers/openai-server.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

const count = 40;
const workers = 4;

interface Line {
  readonly id: string;
  readonly status: string;
  readonly result?: string;
  readonly error?: { readonly code: string };
}

/** What was asked about. */
const askedIn = ({ body }: ReceivedRequest): string => /task \d+/.exec(JSON.stringify(body))?.[0] ?? '';

describeWithKafka('the parallel engine on Kafka', () => {
  it('a file of tasks, killed with -9 in the middle: the same command asks what is left, and each line has its result', async () => {
    const { brokers } = await sharedKafka();
    const folder = await mkdtemp(join(tmpdir(), 'millrace-parallel-'));
    const server = await startOpenAiServer({ latencyMs: 50, reply: (request) => ({ tokens: ['about ', askedIn(request)] }) });
    onTestFinished(async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    });
    const [file, out] = [join(folder, 'tasks.jsonl'), join(folder, 'out')];
    const rows = Array.from({ length: count }, (_, n) => JSON.stringify({ id: `t${String(n)}`, text: `task ${String(n)}` }));
    await writeFile(file, [...rows, '{broken'].join('\n'));
    const args = ['parallel', file, '--out', out, '--model', `${server.url}#toy`, '--workers', String(workers)];
    const onKafka = [...args, '--brokers', brokers.join(), '--topic-prefix', `p-${randomUUID()}`];

    const first = startCli(onKafka);
    await until('a quarter of the tasks', () => server.requests.length >= count / 4);
    first.child.kill('SIGKILL');
    await first.ended;
    const answered = await finishedIn(join(out, 'journal'), /(about task \d+)/);
    const before = server.requests.length;
    expect(answered.size).toBeGreaterThanOrEqual(before - workers);
    expect(before).toBeLessThan(count);

    const { code, stderr } = await runCli(onKafka);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`through ${server.url}#toy, on Kafka at ${brokers.join()}`)]); // 1: the broken line
    const again = server.requests.slice(before).map(askedIn);
    expect(again.filter((one) => answered.has(`about ${one}`))).toEqual([]);
    expect(again).toHaveLength(count - answered.size);
    const lines = (await readFile(join(out, 'results.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines.map(({ id, result, error }) => `${id} ${result ?? error?.code ?? ''}`).sort()).toEqual(
      [
        ...Array.from({ length: count }, (_, n) => `t${String(n)} about task ${String(n)}`),
        `${String(count + 1)} unreadable_document`,
      ].sort(),
    );
  });

  it('two engines share the topics; a task that fails is told from its dead letter', async () => {
    const { brokers } = await sharedKafka();
    const transport = kafka({ brokers: [...brokers] });
    const topicPrefix = `p-${randomUUID()}.`;
    const made = ['a', 'b'].map((name) =>
      parallel<number, string>({
        ...{ transport, topicPrefix, maxWorkers: 4, attempts: 1 },
        run: (n) => {
          if (n === 3) throw new Error(`${name} cannot do 3`);
          return of(`${name}${String(n)}`);
        },
      }),
    );
    onTestFinished(async () => {
      await Promise.all(made.map((engine) => engine.close()));
      await transport.close();
    });
    const all = await Promise.all(made.map((engine) => engine.submit([1, 2, 3, 4]).all()));
    expect(
      all.map((results) => results.map((one) => (one.status === 'success' ? one.result : one.status === 'error' && one.error.message))),
    ).toEqual([
      ['a1', 'a2', 'a cannot do 3', 'a4'],
      ['b1', 'b2', 'b cannot do 3', 'b4'],
    ]);
  });
});
