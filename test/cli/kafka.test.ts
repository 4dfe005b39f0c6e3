import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { jsonLines, runCli, shout, startCli } from './run-cli.ts';

const brokersFlag = async (): Promise<string[]> => ['--brokers', (await sharedKafka()).brokers.join(',')];
const freshTopic = (): string => `cli-${randomUUID()}`;

describeWithKafka('millrace on Kafka', () => {
  it('consumes what it has produced: keys, order, bytes', async () => {
    const [brokers, topic] = [await brokersFlag(), freshTopic()];
    const lines = 'k1|one\nk2|two: |\n\nk1|drei €\n';
    const produced = await runCli(['produce', topic, '--create-topics', '--key-separator', '|', ...brokers], { input: lines });
    expect([produced.code, produced.stdout]).toEqual([0, '']);
    expect(produced.stderr).toMatch(/3 records written to .*, 1 empty lines skipped/);
    const consumed = await runCli(['consume', topic, '--from-beginning', '--max', '3', '--keys', ...brokers]);
    expect([consumed.code, consumed.stdout.trimEnd().split('\n').sort()]).toEqual([0, ['k1\tdrei €', 'k1\tone', 'k2\ttwo: |']]);
  });

  it('copies whole records with --json on both sides, binary ones and tombstones too', async () => {
    const [brokers, from, to] = [await brokersFlag(), freshTopic(), freshTopic()];
    const records = [
      {
        key: 'a',
        value: { n: 1 },
        headers: [
          ['h', 'x'],
          ['h', null],
        ],
      },
      { key: 'a', valueBase64: '/wA=', headers: [['b', { base64: '/w==' }]] },
      { key: 'a', value: null, headers: [] },
      { keyBase64: '/w==', value: 'text', headers: [] },
    ];
    const input = records.map((record) => JSON.stringify(record)).join('\n');
    const first = await runCli(['produce', from, '--json', '--create-topics', ...brokers], { input });
    expect(jsonLines(first.stdout)).toEqual([{ topic: from, records: 4, bytes: expect.any(Number) as number, skipped: 0 }]);
    const read = await runCli(['consume', from, '--from-beginning', '--max', '4', '--json', ...brokers]);
    await runCli(['produce', to, '--json', '--create-topics', ...brokers], { input: read.stdout });
    const copy = await runCli(['consume', to, '--from-beginning', '--max', '4', '--json', ...brokers]);
    expect(jsonLines(copy.stdout)).toEqual(
      records.map((record, i) => ({ ...record, topic: to, partition: 0, offset: String(i), timestampMs: expect.any(Number) as number })),
    );
  });

  it('names the line that is no record, and what was written before it', async () => {
    const { code, stderr } = await runCli(['produce', freshTopic(), '--json', '--create-topics', ...(await brokersFlag())], {
      input: '{"value":1}\n{"valeu":2}\n',
    });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/line 2: unknown field \\"valeu\\", did you mean value\?; 0 records were written before it/),
    ]);
  });

  it('says that a topic does not exist, and what to do', async () => {
    const brokers = await brokersFlag();
    const consumed = await runCli(['consume', freshTopic(), ...brokers]);
    expect([consumed.code, consumed.stderr]).toEqual([1, expect.stringMatching(/does not exist/)]);
    const ran = await runCli(['run', shout, ...brokers]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(/words.* do not exist; create with --create-topics/)]);
  });

  it('runs a pipeline until Ctrl-C, then drains and ends with 0', async () => {
    const brokers = await brokersFlag();
    const running = startCli(['run', shout, '--create-topics', ...brokers]);
    await running.seen(/shout runs on Kafka at .*words → words\.loud/);
    const reader = startCli(['consume', 'words.loud', '--from-beginning', ...brokers]);
    await runCli(['produce', 'words', ...brokers], { input: 'hello\n' });
    await reader.seen(/\{"loud":"HELLO"\}/);
    running.child.kill('SIGTERM');
    reader.child.kill('SIGINT');
    const ended = await running.ended;
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringMatching(/shout: 1 done, 0 failed/)]);
    expect((await reader.ended).code).toBe(0);
  });

  it('finds the broker it was told of', async () => {
    const { stdout } = await runCli(['doctor', '--json', ...(await brokersFlag())]);
    expect(jsonLines(stdout)).toContainEqual(expect.objectContaining({ name: 'broker', ok: true }));
  });
});
