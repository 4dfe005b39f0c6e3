import { Kafka as KafkaClient, logLevel, Partitioners } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import type { Case } from './shared-budget/case.ts';
import { StrictServer } from './shared-budget/strict-server.ts';

export const name = 'shared-budget';
export const summary =
  'three processes share one limit by their partitions, are killed, stopped, started, added and removed: never over it, no 429; about 4 minutes, --short 25 s';

const partitions = 6;
const [input, output] = ['shared-budget.in', 'shared-budget.out'];
const patienceMs = 60_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is done to the workers, the oldest first. */
const acts = [
  { what: 'one is killed with -9', act: 'kill' },
  { what: 'one starts in its place', act: 'start' },
  { what: 'one is stopped with SIGTERM', act: 'stop' },
  { what: 'one starts in its place', act: 'start' },
  { what: 'a fourth is added', act: 'start' },
  { what: 'one is removed with SIGTERM', act: 'stop' },
] as const;

interface Plan {
  readonly windowMs: number;
  readonly tokensAWindow: number;
  /** After a fault, until the windows are full again. */
  readonly recoveryMs: number;
  /** In which the use is measured, with nothing going on. */
  readonly quietMs: number;
  /** Of the server's, before the next act however long they take: fewer would show nothing. Zero: as many as the time brings. */
  readonly callsAPhase: number;
  readonly acts: readonly (typeof acts)[number][];
}

const full: Plan = { windowMs: 10_000, tokensAWindow: 12_000, recoveryMs: 16_000, quietMs: 15_000, callsAPhase: 0, acts };
const small: Plan = { windowMs: 4_000, tokensAWindow: 4_800, recoveryMs: 0, quietMs: 2_000, callsAPhase: 40, acts: acts.slice(0, 3) };

interface Phase {
  readonly what: string;
  readonly atMs: number;
  readonly quietFromMs: number;
  readonly toMs: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const plan = short ? small : full;
  const broker = await startKafka();
  const server = new StrictServer(plan.tokensAWindow, plan.windowMs);
  const url = await server.open();
  const workers: Worker[] = [];
  const begin = (): Worker => {
    const tokensPerMinute = (plan.tokensAWindow * 60_000) / plan.windowMs;
    const given: Case = { brokers: broker.brokers, input, output, url, tokensPerMinute, windowMs: plan.windowMs };
    const worker = startWorker(new URL('shared-budget/worker.ts', import.meta.url), given);
    workers.push(worker);
    return worker;
  };
  const quiet = async (what: string, atMs: number): Promise<Phase> => {
    const enough = server.window.answered + plan.callsAPhase;
    await wait(Math.max(0, atMs + plan.recoveryMs - performance.now()));
    const quietFromMs = performance.now();
    await wait(plan.quietMs);
    while (server.window.answered < enough && performance.now() < atMs + patienceMs) await wait(100);
    const toMs = performance.now();
    say(`${what}: ${String(server.window.answered)} calls so far, ${String(server.window.refused)} refused`);
    return { what, atMs, quietFromMs, toMs };
  };
  try {
    await createTopics(broker.brokers, [input, output], partitions);
    await fill(broker.brokers);
    await Promise.all(Array.from({ length: 3 }, () => begin().next('output')));
    const phases = [await quiet('three work', performance.now())];
    for (const { what, act } of plan.acts) {
      if (signal.aborted) break;
      const atMs = performance.now();
      const [oldest] = act === 'start' ? [] : workers.splice(0, 1);
      if (act === 'start') begin();
      else if (oldest) process.kill(oldest.pid, act === 'kill' ? 'SIGKILL' : 'SIGTERM');
      await oldest?.exitCode();
      phases.push(await quiet(what, atMs));
    }
    return { measured: judge(server, plan, phases, short), pass: true };
  } finally {
    for (const worker of workers) await worker.end(0);
    await server.close();
    await broker.stop();
  }
}

/** As many for each partition: more than can be called. */
async function fill(brokers: readonly string[]): Promise<void> {
  const kafka = new KafkaClient({ clientId: name, brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let from = 0; from < 12_000; from += 2_000)
    await producer.send({
      topic: input,
      messages: Array.from({ length: 2_000 }, (_, i) => ({ partition: i % partitions, value: JSON.stringify({ id: from + i }) })),
    });
  await producer.disconnect();
}

function judge(server: StrictServer, plan: Plan, phases: readonly Phase[], short: boolean): readonly Finding[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const quietMs = phases.reduce((sum, { quietFromMs, toMs }) => sum + toMs - quietFromMs, 0);
  const use = phases.reduce((sum, { quietFromMs, toMs }) => sum + server.window.use(quietFromMs, toMs) * (toMs - quietFromMs), 0) / quietMs;
  const losses = phases.slice(1).map(({ what, atMs, quietFromMs, toMs }): Finding => {
    const untilMs = short ? toMs : quietFromMs;
    const lost = ((use - server.window.use(atMs, untilMs)) * plan.tokensAWindow * (untilMs - atMs)) / plan.windowMs;
    return { what: `${what}: tokens lost by it`, measured: String(Math.round(lost)), passes: '', pass: true };
  });
  return [
    { what: `limit: tokens in any ${String(plan.windowMs / 1_000)} s`, measured: String(plan.tokensAWindow), passes: '', pass: true },
    { what: 'calls', measured: String(server.window.answered), passes: '>= 100', pass: server.window.answered >= 100 },
    {
      what: 'most tokens in a window',
      measured: String(server.window.most),
      passes: `<= ${String(plan.tokensAWindow)}`,
      pass: server.window.most <= plan.tokensAWindow,
    },
    { what: 'answers of 429', measured: String(server.window.refused), passes: '0', pass: server.window.refused === 0 },
    short
      ? { what: 'used', measured: percent(use), passes: '', pass: true }
      : { what: 'used between faults', measured: percent(use), passes: '>= 95 %', pass: use >= 0.95 },
    ...phases.map(
      ({ what, quietFromMs, toMs }): Finding => ({
        what: `used after: ${what}`,
        measured: percent(server.window.use(quietFromMs, toMs)),
        passes: '',
        pass: true,
      }),
    ),
    ...losses,
  ];
}
