import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { smollm2 } from '../../src/artifacts/catalogue.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { messageOf } from '../../src/errors.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { type LlamaServerProgram, llamaServerProgram, type NoLlamaServer } from '../helpers/llama-server.ts';
import { direct } from './models/direct.ts';
import { pool } from './models/pool.ts';
import type { ProcessUse } from './models/process-use.ts';
import { served } from './models/served.ts';
import { type Contender, questions, type Round, type Task } from './models/work.ts';
import { fact, median, quantile } from './overhead/measure.ts';

export const name = 'models';
export const summary = 'the pool against node-llama-cpp used directly and llama-server, 1 to 16 calls at once; about 9 minutes, --short 2';

const decisive = 8;
const loopBoundMs = 20;

interface Measured {
  readonly perSecond: readonly number[];
  readonly firstTokenMs: readonly number[];
  readonly inputTokens: number;
  readonly memoryBytes: number | undefined;
  /** Of the process that holds the model, for each token that it generated. */
  readonly cpuMsPerToken: number | undefined;
  /** Of the event loop of the application meanwhile. */
  readonly loopP99Ms: number;
}

/** A contender at work. */
interface Runner {
  readonly contender: Contender;
  readonly rounds: Round[];
  readonly delays: ReturnType<typeof monitorEventLoopDelay>;
  before: ProcessUse | undefined;
  /** Why it is no longer in it. */
  failed: string | undefined;
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const modelPath = await pullArtifact(smollm2, { signal: context.signal });
  const threads = Math.max(1, availableParallelism() - 1);
  const program = await llamaServerProgram(context.signal);
  const findings: Finding[] = [fact('llama-server', 'name' in program ? program.name : `not run: ${program.reason}`)];
  for (const atOnce of context.short ? [1, decisive] : [1, 2, 4, decisive, 16]) {
    findings.push(...(await compare(context, { modelPath, atOnce, threads }, program)));
  }
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  return {
    measured: [...findings, fact('threads, and load of the machine at the end (1 min)', `${String(threads)}, ${load}`)],
    pass: true,
  };
}

/** All contenders in turns on the same questions, so that whatever else the machine does falls on all. A rival that fails is told, and left out. */
async function compare(
  { short, signal, say }: ExperimentContext,
  task: Task,
  program: LlamaServerProgram | NoLlamaServer,
): Promise<readonly Finding[]> {
  const { atOnce } = task;
  const rounds = short ? 5 : 7;
  const count = Math.max(8, 2 * atOnce);
  const runners: Runner[] = [];
  const failures: Finding[] = [];
  const at = `${String(atOnce)} at once`;
  const join = async (name: string, opening: Promise<Contender>): Promise<void> => {
    try {
      const contender = await opening;
      runners.push({ contender, rounds: [], delays: monitorEventLoopDelay({ resolution: 1 }), before: undefined, failed: undefined });
    } catch (error) {
      signal.throwIfAborted();
      failures.push(failureOf(at, name, messageOf(error)));
    }
  };
  try {
    await join(ownName, pool(task, signal));
    await join('node-llama-cpp used directly', direct(task));
    if ('name' in program) await join('llama-server', served(program, task, signal));
    for (const runner of runners) await asking(runner, questions(atOnce, 0), signal); // the prefix is kept from here on
    for (const runner of runners) await begun(runner);
    for (let round = 0; round < rounds; round += 1) {
      signal.throwIfAborted();
      const asked = questions(count, atOnce + round * count);
      for (const runner of round % 2 === 0 ? runners : [...runners].reverse()) await asking(runner, asked, signal);
    }
    const measured = new Map<string, Measured>();
    for (const runner of runners) {
      const { name } = runner.contender;
      if (runner.failed === undefined) measured.set(name, await summed(runner));
      else failures.push(failureOf(at, name, runner.failed));
    }
    for (const [who, one] of measured) say(`${at}, ${who}: ${shown(one)}`);
    for (const { what, measured: why } of failures) say(`${what}: ${why}`);
    return [...findingsOf(at, measured, atOnce === decisive), ...failures];
  } finally {
    for (const { contender } of runners) await contender.close().catch(() => undefined); // the failure before it is told
  }
}

const ownName = 'this pool';

/** A rival's failure is its own; without ours there is nothing to compare. */
const failureOf = (at: string, who: string, why: string): Finding => ({
  what: `${at}: ${who} failed`,
  measured: why,
  passes: who === ownName ? 'no failure' : '',
  pass: who !== ownName,
});

async function asking(runner: Runner, asked: readonly string[], signal: AbortSignal): Promise<void> {
  const { contender, rounds, delays } = runner;
  if (runner.failed !== undefined) return;
  delays.enable();
  try {
    rounds.push(await contender.ask(asked));
  } catch (error) {
    signal.throwIfAborted();
    runner.failed = `in round ${String(rounds.length)}: ${messageOf(error)}`;
  } finally {
    delays.disable();
  }
}

/** What was before counts no more. */
async function begun(runner: Runner): Promise<void> {
  runner.rounds.length = 0;
  runner.delays.reset();
  if (runner.failed === undefined) runner.before = await runner.contender.use();
}

async function summed({ contender, rounds, delays, before }: Runner): Promise<Measured> {
  const after = await contender.use();
  const outputTokens = rounds.reduce((sum, one) => sum + one.outputTokens, 0);
  return {
    perSecond: rounds.map((one) => (one.outputTokens / one.ms) * 1_000),
    firstTokenMs: rounds.flatMap((one) => one.firstTokenMs).sort((a, b) => a - b),
    inputTokens: rounds.reduce((sum, one) => sum + one.inputTokens, 0),
    memoryBytes: after?.residentBytes,
    cpuMsPerToken: after && before && (after.cpuMs - before.cpuMs) / outputTokens,
    loopP99Ms: delays.percentile(99) / 1e6,
  };
}

function shown({ perSecond, firstTokenMs, memoryBytes, cpuMsPerToken, loopP99Ms }: Measured): string {
  const memory = memoryBytes === undefined ? 'memory not told' : `${(memoryBytes / 1_048_576).toFixed(0)} MiB`;
  const cpu = cpuMsPerToken === undefined ? '' : `, ${cpuMsPerToken.toFixed(1)} ms CPU a token`;
  const first = quantile(firstTokenMs, 0.5).toFixed(0);
  const loop = `event loop p99 ${loopP99Ms.toFixed(1)} ms`;
  return `${median(perSecond).toFixed(1)} tokens/s, first token p50 ${first} ms, ${memory}${cpu}, ${loop}`;
}

function findingsOf(at: string, measured: ReadonlyMap<string, Measured>, isDecisive: boolean): readonly Finding[] {
  const own = measured.get(ownName);
  const others = [...measured].filter(([who]) => who !== ownName);
  const rows = [...measured].map(([who, one]) => fact(`${at}: ${who}`, shown(one)));
  if (own === undefined) return rows;
  return [
    ...rows,
    ...others.map(([who, one]) => {
      const ratios = own.perSecond.map((mine, round) => mine / (one.perSecond[round] ?? Number.NaN));
      const counts =
        own.inputTokens === one.inputTokens ? '' : `; prompts of ${String(own.inputTokens)} and ${String(one.inputTokens)} tokens`;
      const bound = isDecisive && who !== 'llama-server' ? 0.95 : undefined;
      return {
        what: `${at}: this pool / ${who}, median of ${String(ratios.length)}`,
        measured: `${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})${counts}`,
        passes: bound === undefined ? '' : `>= ${String(bound)}`,
        pass: bound === undefined || median(ratios) >= bound,
      };
    }),
    {
      what: `${at}: event loop of the application, p99 of its delay`,
      measured: `${own.loopP99Ms.toFixed(1)} ms`,
      passes: `<= ${String(loopBoundMs)} ms`,
      pass: own.loopP99Ms <= loopBoundMs,
    },
  ];
}
