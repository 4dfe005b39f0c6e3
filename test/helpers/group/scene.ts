import { type Kafka, Kafka as KafkaClient, logLevel } from 'kafkajs';
import { createTopics } from '../create-topics.ts';
import type { ExperimentContext, Finding } from '../experiment.ts';
import type { RunningKafka } from '../kafka-broker.ts';
import { type ReadMessage, readTopic } from '../read-topic.ts';
import type { LoggedCall } from './call-log.ts';
import { type Case, type Item, plainCase } from './case.ts';
import { calledAgain, callsOutOfOrder, type InputRecord, longestStandstill, outputsOutOfOrder, overlaps } from './checks.ts';
import { calledAfterCommit, commitsBack, commitsOf, committedUndone } from './commits.ts';
import { Crew } from './crew.ts';
import { Feeder } from './feeder.ts';

export interface SceneSpec {
  /** Of its topics and its group; also stands before its findings. */
  readonly name: string;
  readonly partitions: number;
  readonly keys: number;
  /** How its workers differ from the usual. */
  readonly given?: Partial<Case>;
  /** What is done to the group, and to the brokers, while it works. Whatever was fed is finished afterwards. */
  readonly act: (scene: Scene) => Promise<void>;
  /** Longest wait for the rest after the act. @defaultValue 90,000 */
  readonly patienceMs?: number;
}

export interface Scene {
  readonly kafka: Kafka;
  readonly crew: Crew;
  readonly feeder: Feeder;
  readonly given: Case;
  /** Findings of its own. */
  readonly findings: Finding[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Resolves when all that is in the input is committed; false when that takes too long. */
  caughtUp(patienceMs: number): Promise<boolean>;
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const finding = (what: string, measured: string | number, passes: string, pass: boolean): Finding => ({
  what,
  measured: String(measured),
  passes,
  pass,
});

/** Plays one scene on a cluster, and judges by what the workers wrote down and what an independent client reads. */
export async function playScene(
  { folder, say, signal }: ExperimentContext,
  broker: RunningKafka,
  spec: SceneSpec,
): Promise<readonly Finding[]> {
  const { name, partitions, keys, act, patienceMs = 90_000 } = spec;
  const kafka = new KafkaClient({
    clientId: name,
    brokers: [...broker.brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 20 },
  });
  const [input, output] = [`${name}.in`, `${name}.out`];
  const given: Case = { ...plainCase, ...spec.given, brokers: spec.given?.brokers ?? broker.brokers, group: name, input, output };
  await createTopics(broker.brokers, [input, output], partitions);
  const crew = new Crew(given, folder);
  const feeder = new Feeder(kafka, input, keys);
  const findings: Finding[] = [];
  const caughtUp = (limitMs: number): Promise<boolean> => untilCommitted(kafka, name, input, limitMs, signal);
  try {
    await act({
      kafka,
      crew,
      feeder,
      given,
      findings,
      say: (line) => {
        say(`${name}: ${line}`);
      },
      signal,
      caughtUp,
    });
    await feeder.close();
    const isDone = await caughtUp(patienceMs);
    findings.push(finding('all is committed in the end', isDone ? 'yes' : `not within ${String(patienceMs / 1_000)} s`, 'yes', isDone));
    findings.push(finding('workers that ended by themselves', crew.fallen.length, '0', crew.fallen.length === 0));
  } finally {
    await feeder.close();
    await crew.dismiss();
  }
  findings.push(...(await judge(kafka, given, crew)));
  return findings.map((one) => ({ ...one, what: `${name}: ${one.what}` }));
}

async function judge(kafka: Kafka, given: Case, crew: Crew): Promise<readonly Finding[]> {
  const inputs = (await readTopic(kafka, given.input)).map(
    (message): InputRecord => ({
      id: idOf(message),
      key: String(message.key),
      partition: message.partition,
      offset: Number(message.offset),
    }),
  );
  const outputs = (await readTopic(kafka, given.output)).map(idOf);
  const calls = await crew.calls();
  const commits = await commitsOf(kafka, given.group, given.input);
  const found = overlaps(calls, crew.pauses, given.sessionTimeoutMs);
  const none = (what: string, wrong: readonly unknown[]): Finding =>
    finding(what, wrong.length === 0 ? '0' : `${String(wrong.length)}, first ${JSON.stringify(wrong[0])}`, '0', wrong.length === 0);
  const written = new Set(outputs);
  return [
    finding('records, calls, commits', [inputs.length, calls.length, commits.length].join(', '), 'some', commits.length > 0),
    none(
      'records without an output',
      inputs.filter(({ id }) => !written.has(id)).map(({ id }) => id),
    ),
    none(
      'records with two live calls',
      found.filter(({ isExcused }) => !isExcused),
    ),
    ...orderFindings(inputs, outputs, calls, given, none),
    none('commits that went back', commitsBack(commits)),
    none('committed before it was done', committedUndone(inputs, calls, commits)),
    none('called although it was committed', calledAfterCommit(inputs, calls, commits)),
    finding('two live calls after a session expiry', found.filter(({ isExcused }) => isExcused).length, '', true),
    finding('called again after it was done', calledAgain(calls).length, '', true),
    finding('outputs written again', outputs.length - written.size, '', true),
    finding('longest standstill', `${(longestStandstill(calls) / 1_000).toFixed(1)} s`, '', true),
  ];
}

function orderFindings(
  inputs: readonly InputRecord[],
  outputs: readonly number[],
  calls: readonly LoggedCall[],
  { keyless }: Case,
  none: (what: string, wrong: readonly unknown[]) => Finding,
): readonly Finding[] {
  const ofCalls = none('calls out of the order of their key', callsOutOfOrder(inputs, calls));
  return keyless ? [ofCalls] : [ofCalls, none('outputs out of the order of their key', outputsOutOfOrder(inputs, outputs))];
}

const idOf = ({ value }: ReadMessage): number => (JSON.parse(String(value)) as Item).id;

async function untilCommitted(kafka: Kafka, groupId: string, topic: string, limitMs: number, signal: AbortSignal): Promise<boolean> {
  const giveUpMs = performance.now() + limitMs;
  const admin = kafka.admin();
  await admin.connect();
  try {
    while (performance.now() < giveUpMs && !signal.aborted) {
      const behind = await lagOf(admin, groupId, topic).catch(() => undefined);
      if (behind === 0) return true;
      await wait(250);
    }
    return false;
  } finally {
    await admin.disconnect();
  }
}

async function lagOf(admin: ReturnType<Kafka['admin']>, groupId: string, topic: string): Promise<number> {
  const [ends, [group]] = [await admin.fetchTopicOffsets(topic), await admin.fetchOffsets({ groupId, topics: [topic] })];
  const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]));
  return ends.reduce((sum, { partition, high }) => sum + Number(high) - (committed.get(partition) ?? 0), 0);
}
