import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Kafka, Kafka as KafkaClient, logLevel } from 'kafkajs';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { readTopic, sizeOf } from '../helpers/read-topic.ts';

export const name = 'demo-kill';
export const summary = 'the demo on Kafka is killed with -9 in the middle and started again: nothing is lost; about 4 minutes, --short 1';

const millrace = fileURLToPath(new URL('../../src/cli/millrace.cjs', import.meta.url));
const prefix = 'killed';
const [input, output, dead] = [`${prefix}.reviews`, `${prefix}.reviews.enriched`, `${prefix}.reviews.dead`];
/** Two for each call that may run, those waiting for their turn included; see `maxRecordsInFlight` in the demo. */
const inFlight = 8;
/** A model on a busy machine may finish as much between two acknowledgements. */
const unacknowledged = 4;
const patienceMs = 180_000;

/** What is read back from the topics, by a client that knows nothing of Millrace. */
interface Seen {
  readonly inputs: readonly string[];
  readonly results: readonly string[];
  readonly letters: readonly string[];
  /** Records that the group would still read. */
  readonly lag: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const [records, kills] = short ? [16, 1] : [120, 4];
  const broker = await startKafka();
  let demo: Demo | undefined;
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    const restartsMs: number[] = [];
    for (let run = 0; run <= kills; run += 1) {
      const before = await sizeOf(kafka, output);
      const startedMs = performance.now();
      demo = startDemo(broker.brokers, records, signal);
      if (run === kills) break;
      await until(demo, async () => (await sizeOf(kafka, output)) > before);
      if (run > 0) restartsMs.push(performance.now() - startedMs);
      const enough = Math.ceil((records * (run + 1)) / (kills + 2));
      await until(demo, async () => (await sizeOf(kafka, output)) >= enough);
      await demo.kill();
      say(`killed with ${String(await sizeOf(kafka, output))} results of ${String(records)} written`);
    }
    const exitCode = await demo?.ended;
    return judge(await look(kafka), { records, kills, exitCode: exitCode ?? null, restartsMs });
  } finally {
    await demo?.kill();
    await broker.stop();
  }
}

interface Demo {
  readonly ended: Promise<number | null>;
  readonly hasEnded: () => boolean;
  kill(): Promise<void>;
}

function startDemo(brokers: readonly string[], records: number, signal: AbortSignal): Demo {
  const args = ['demo', '--kafka', '--brokers', brokers.join(), '--topic-prefix', prefix, '--records', String(records), '--json'];
  const child: ChildProcess = spawn(process.execPath, [millrace, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exit = once(child, 'exit');
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGKILL'); // the process alone: its model must not outlive it
    await exit;
  };
  signal.addEventListener('abort', () => void kill(), { once: true });
  return { ended: exit.then(() => child.exitCode), hasEnded, kill };
}

async function until(demo: Demo, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (demo.hasEnded()) throw new Error('the demo ended before it was killed: give it more records');
    if (performance.now() > untilMs) throw new Error(`the demo wrote nothing more within ${String(patienceMs / 1000)} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function look(kafka: Kafka): Promise<Seen> {
  const [inputs, results, letters] = [await readTopic(kafka, input), await readTopic(kafka, output), await readTopic(kafka, dead)];
  const admin = kafka.admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(input);
    const [group] = await admin.fetchOffsets({ groupId: `${prefix}.reviews`, topics: [input] });
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]));
    const lag = ends.reduce((sum, { partition, high }) => sum + Number(high) - (committed.get(partition) ?? 0), 0);
    return { inputs: inputs.map(idOf), results: results.map(idOf), letters: letters.map(idOf), lag };
  } finally {
    await admin.disconnect();
  }
}

/** The malformed record is known by where it breaks. */
function idOf({ value }: { readonly value: Buffer | null }): string {
  return /^\{"id": ?"([^"]+)"/.exec(String(value))?.[1] ?? `unknown: ${String(value)}`;
}

interface Runs {
  readonly records: number;
  readonly kills: number;
  readonly exitCode: number | null;
  readonly restartsMs: readonly number[];
}

function judge({ inputs, results, letters, lag }: Seen, { records, kills, exitCode, restartsMs }: Runs): ExperimentResult {
  const there = new Set([...results, ...letters]);
  const lost = inputs.filter((id) => !there.has(id));
  const strange = [...there].filter((id) => !inputs.includes(id));
  const repeats = results.length - new Set(results).size;
  const failed = [...new Set(letters)].filter((id) => id !== 'malformed');
  const most = kills * (inFlight + unacknowledged);
  const finding = (what: string, measured: number | string, passes: string, pass: boolean): Finding => ({
    what,
    measured: String(measured),
    passes,
    pass,
  });
  const measured = [
    finding('inputs, the malformed one among them', inputs.length, String(records + 1), inputs.length === records + 1),
    finding('killed with -9', kills, '', true),
    finding('inputs without a result or a dead letter', lost.join(' ') || 'none', 'none', lost.length === 0),
    finding('results of no input', strange.join(' ') || 'none', 'none', strange.length === 0),
    finding('failed, besides the malformed one', failed.join(' ') || 'none', 'none', failed.length === 0),
    finding('results written twice', repeats, `<= ${String(most)}: what was in flight`, repeats <= most),
    finding('records left uncommitted at the end', lag, '0', lag === 0),
    finding('exit code of the last run', String(exitCode), '0', exitCode === 0),
    finding('start to first new result', restartsMs.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ') || 'not measured', '', true),
  ];
  return { measured, pass: true };
}
