import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { kafkaHooks, type KafkaHooks } from '../helpers/kafka-hooks.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import type { Case } from './restart/case.ts';

/** Waited for in one case; in the others it is what must not be waited for, so longer than a start on a busy machine. */
const sessionMs = { short: 6_000, long: 20_000 };
const file = new URL('restart/worker.ts', import.meta.url);

interface Said {
  readonly said: readonly string[];
  readonly error?: string;
}

describeWithKafka('a process that starts where another was', () => {
  let broker: RunningKafka;
  let hooks: KafkaHooks;
  const workers: Worker[] = [];
  beforeAll(async () => {
    broker = await startKafka({ properties: { 'group.initial.rebalance.delay.ms': '3000' } }); // as brokers have it by default
    hooks = kafkaHooks(broker.brokers);
  }, 300_000);
  afterAll(() => broker.stop());
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.end(0);
  });

  const begin = (topic: string, instance?: string | false, sessionTimeoutMs = sessionMs.long): Worker => {
    const given: Case = { brokers: broker.brokers, topic, sessionTimeoutMs, ...(instance === undefined ? {} : { instance }) };
    const worker = startWorker(file, given);
    workers.push(worker);
    return worker;
  };
  /** A topic, how to write to it, and a process that has read from it. */
  const running = async (
    instance: string | false | undefined,
    sessionTimeoutMs?: number,
  ): Promise<{ topic: string; first: Worker; send: () => Promise<unknown> }> => {
    const transport = kafka({ brokers: broker.brokers });
    const topic = hooks.freshName('restart');
    await transport.createTopics([{ name: topic, partitions: 2 }]);
    const producer = await transport.produce();
    const send = (): Promise<unknown> => producer.send(topic, 0, [{ key: null, value: Buffer.from('1'), headers: [] }]);
    const first = begin(topic, instance, sessionTimeoutMs);
    await first.next('running');
    await send();
    await first.next('record');
    return { topic, first, send };
  };
  /** The first one is killed; then a second one starts. Returns the time from its start to its first record, and all that it said. */
  const afterKill = async (
    first: string | false | undefined,
    second: string | false | undefined,
    sessionTimeoutMs?: number,
  ): Promise<{ ms: number } & Said> => {
    const { topic, first: dying, send } = await running(first, sessionTimeoutMs);
    process.kill(dying.pid, 'SIGKILL');
    await dying.end();
    await send();
    const startedMs = performance.now();
    const heir = begin(topic, second, sessionTimeoutMs);
    await heir.next('record');
    const ms = performance.now() - startedMs;
    heir.say('stop');
    return { ms, ...(await heir.next<Said>('ended')) };
  };

  it.each([
    ['on the same machine', undefined, undefined],
    ['that bore its name', 'a-1.b_c', 'a-1.b_c'],
  ])('does not wait for the session of a dead one %s', async (_case, first, second) => {
    const { ms, said } = await afterKill(first, second);
    expect(said).toContainEqual(expect.stringContaining('left the group for a member whose process is gone'));
    expect(ms).toBeLessThan(sessionMs.long * 0.75); // 1.5 s where nothing else runs
  });

  it('waits for the session of a dead one that bore another name, and says for how long', async () => {
    const { ms, said } = await afterKill('a', 'b', sessionMs.short);
    expect(said).toContainEqual(expect.stringMatching(/waits for a member that does not answer, at most 5 s more/));
    expect(ms).toBeGreaterThan(4_500);
  });

  it('takes the place of one that lives and bears its name, which ends and says why', async () => {
    const { topic, first, send } = await running('twin');
    const second = begin(topic, 'twin');
    const { error } = await first.next<Said>('failed');
    expect(error).toMatch(/another process has joined group .* as instance twin .*give each process an instance name of its own/);
    await second.next('running');
    await send();
    await second.next('record');
    second.say('stop');
    await second.next('ended');
  });

  it('leaves others of its kind alone that live', async () => {
    const { topic, first } = await running(undefined);
    const second = begin(topic);
    const { said } = await second.next<Said>('running');
    expect(said.filter((line) => line.includes('is gone'))).toEqual([]);
    first.say('stop');
    await first.next('ended');
  });
});
