import { Kafka as KafkaClient, logLevel } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import { readTopic } from '../helpers/read-topic.ts';
import type { Case, Item } from './kill/case.ts';
import { fill } from './kill/fill.ts';

export const name = 'kill';
export const summary =
  'a worker under load is killed with -9 again and again: nothing lost, little called twice; about 4 minutes, --short 1';

const partitions = 12;
const [input, output] = ['kill.in', 'kill.out'];
const concurrency = 64;
const commitIntervalMs = 200; // the default
/** From a process's start to the first output that it adds; the session (10 s, the default) is not waited for. A short run shares its machine. */
const mostGapMs = { whole: 2_000, short: 8_000 };
const patienceMs = 120_000;
const rateWindowMs = 500;

interface Round {
  /** Of each id, how often it was called. */
  readonly calls: Map<number, number>;
  readonly gapsMs: number[];
  /** The longest. */
  commitMs: number;
  callsASecond: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const [records, kills] = short ? [40_000, 3] : [220_000, 20];
  const broker = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } });
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    await createTopics(broker.brokers, [input, output], partitions);
    await fill(kafka, input, 0, records);
    const given: Case = { brokers: broker.brokers, input, output, concurrency, latencyMs: [5, 30], slowEvery: 101 };
    const round: Round = { calls: new Map(), gapsMs: [], commitMs: 0, callsASecond: 0 };
    let killed = 0;
    let completedBefore = 0;
    while (!signal.aborted && round.calls.size < records) {
      const worker = startWorker(new URL('kill/worker.ts', import.meta.url), given);
      const bornMs = performance.now();
      void worker.next('output').then(
        () => round.gapsMs.push(performance.now() - bornMs),
        () => undefined, // it ended before
      );
      void timeCommits(worker, round);
      const lifeMs = killed < kills ? 2_000 + Math.random() * 4_000 : patienceMs;
      const done = await live(worker, round, lifeMs, records);
      if (!done) {
        process.kill(worker.pid, 'SIGKILL');
        await worker.end();
        killed += 1;
        say(`killed ${String(killed)} times, ${String(round.calls.size)} of ${String(records)} called`);
      } else {
        await new Promise((resolve) => setTimeout(resolve, 1_000)); // the last calls end
        process.kill(worker.pid, 'SIGTERM');
        ({ completedBefore } = await worker.next<{ completedBefore: number }>('stopped'));
        await worker.end();
      }
    }
    const written = await readTopic(kafka, output);
    const ids = written.map(({ value }) => (JSON.parse(String(value)) as Item).id);
    return judge({ short, records, killed, kills, ids, round, completedBefore });
  } finally {
    await broker.stop();
  }
}

async function timeCommits(worker: Worker, round: Round): Promise<void> {
  try {
    for (;;) round.commitMs = Math.max(round.commitMs, (await worker.next<{ ms: number }>('commit')).ms);
  } catch {
    // it has ended
  }
}

/** Counts a worker's calls until all records have been called, or its time is up. */
async function live(worker: Worker, round: Round, lifeMs: number, records: number): Promise<boolean> {
  let firstMs: number | undefined;
  let [windowMs, count] = [performance.now(), 0];
  for (;;) {
    const { id } = await worker.next<Item>('call');
    const nowMs = performance.now();
    firstMs ??= nowMs;
    count += 1;
    round.calls.set(id, (round.calls.get(id) ?? 0) + 1);
    if (nowMs - windowMs >= rateWindowMs) {
      round.callsASecond = Math.max(round.callsASecond, (count * 1000) / (nowMs - windowMs));
      [windowMs, count] = [nowMs, 0];
    }
    if (round.calls.size === records) return true;
    if (nowMs - firstMs >= lifeMs) return false;
  }
}

interface Told {
  readonly short: boolean;
  readonly records: number;
  readonly killed: number;
  readonly kills: number;
  readonly ids: readonly number[];
  readonly round: Round;
  readonly completedBefore: number;
}

function judge({ short, records, killed, kills, ids, round, completedBefore }: Told): ExperimentResult {
  const lost = records - new Set(ids).size;
  const again = [...round.calls.values()].reduce((sum, times) => sum + times - 1, 0);
  // a commit interval of work, what is completed while that commit is under way, and what runs
  const most = killed * Math.ceil((round.callsASecond * (commitIntervalMs + round.commitMs)) / 1000 + concurrency);
  const gaps = round.gapsMs.slice(1); // the first has nobody before it
  const [mostMs, boundMs] = [Math.max(...gaps), short ? mostGapMs.short : mostGapMs.whole];
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const measured = [
    finding('killed with -9', String(killed), String(kills), killed === kills),
    finding('records without an output', String(lost), '0', lost === 0),
    finding('outputs written twice', String(ids.length - new Set(ids).size), `<= ${String(most)}`, ids.length - records <= most),
    finding(
      'calls made again',
      String(again),
      `<= ${String(most)}: kills x (calls of a commit interval and a commit + those in flight)`,
      again <= most,
    ),
    finding('a commit, at most', `${round.commitMs.toFixed(0)} ms`, '', true),
    finding('calls a second, at most', round.callsASecond.toFixed(0), '', true),
    finding('found completed by the last run', String(completedBefore), '', true),
    finding('start to first new output, each', `${gaps.map((ms) => (ms / 1000).toFixed(1)).join(' ')} s`, '', true),
    finding('start to first new output, at most', `${(mostMs / 1000).toFixed(2)} s`, `<= ${String(boundMs / 1000)} s`, mostMs <= boundMs),
  ];
  return { measured, pass: true };
}
