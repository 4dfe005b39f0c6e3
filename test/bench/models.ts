import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { smollm2 } from '../../src/artifacts/catalogue.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
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

/** All contenders in turns on the same questions, so that whatever else the machine does falls on all. */
async function compare(
  { short, signal, say }: ExperimentContext,
  task: Task,
  program: LlamaServerProgram | NoLlamaServer,
): Promise<readonly Finding[]> {
  const { atOnce } = task;
  const rounds = short ? 5 : 7;
  const count = Math.max(8, 2 * atOnce);
  const contenders: Contender[] = [];
  const delays = monitorEventLoopDelay({ resolution: 1 });
  try {
    contenders.push(await pool(task, signal), await direct(task));
    if ('name' in program) contenders.push(await served(program, task, signal));
    const seen = new Map<Contender, Round[]>(contenders.map((one) => [one, []]));
    for (const one of contenders) await one.ask(questions(atOnce, 0)); // the prefix is kept from here on
    const before = new Map(await Promise.all(contenders.map(async (one) => [one, await one.use()] as const)));
    for (let round = 0; round < rounds; round += 1) {
      signal.throwIfAborted();
      const asked = questions(count, atOnce + round * count);
      for (const one of round % 2 === 0 ? contenders : [...contenders].reverse()) {
        if (one.name === 'this pool') delays.enable();
        seen.get(one)?.push(await one.ask(asked));
        delays.disable();
      }
    }
    const measured = new Map<string, Measured>();
    for (const one of contenders) measured.set(one.name, await summed(one, seen.get(one) ?? [], before.get(one)));
    for (const [who, one] of measured) say(`${String(atOnce)} at once, ${who}: ${shown(one)}`);
    return findingsOf(atOnce, measured, delays.percentile(99) / 1e6);
  } finally {
    for (const one of contenders) await one.close();
  }
}

async function summed(contender: Contender, rounds: readonly Round[], before: ProcessUse | undefined): Promise<Measured> {
  const after = await contender.use();
  const outputTokens = rounds.reduce((sum, one) => sum + one.outputTokens, 0);
  return {
    perSecond: rounds.map(({ outputTokens, ms }) => (outputTokens / ms) * 1_000),
    firstTokenMs: rounds.flatMap((one) => one.firstTokenMs).sort((a, b) => a - b),
    inputTokens: rounds.reduce((sum, one) => sum + one.inputTokens, 0),
    memoryBytes: after?.residentBytes,
    cpuMsPerToken: after && before && (after.cpuMs - before.cpuMs) / outputTokens,
  };
}

function shown({ perSecond, firstTokenMs, memoryBytes, cpuMsPerToken }: Measured): string {
  const memory = memoryBytes === undefined ? 'memory not told' : `${(memoryBytes / 1_048_576).toFixed(0)} MiB`;
  const cpu = cpuMsPerToken === undefined ? '' : `, ${cpuMsPerToken.toFixed(1)} ms CPU a token`;
  return `${median(perSecond).toFixed(1)} tokens/s, first token p50 ${quantile(firstTokenMs, 0.5).toFixed(0)} ms, ${memory}${cpu}`;
}

function findingsOf(atOnce: number, measured: ReadonlyMap<string, Measured>, loopP99Ms: number): readonly Finding[] {
  const [own, ...others] = [...measured];
  if (own === undefined) return [];
  const at = `${String(atOnce)} at once`;
  return [
    ...[...measured].map(([who, one]) => fact(`${at}: ${who}`, shown(one))),
    ...others.map(([who, one]) => {
      const ratios = own[1].perSecond.map((mine, round) => mine / (one.perSecond[round] ?? Number.NaN));
      const counts =
        own[1].inputTokens === one.inputTokens ? '' : `; prompts of ${String(own[1].inputTokens)} and ${String(one.inputTokens)} tokens`;
      const bound = atOnce === decisive && who !== 'llama-server' ? 0.95 : undefined;
      return {
        what: `${at}: this pool / ${who}, median of ${String(ratios.length)}`,
        measured: `${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})${counts}`,
        passes: bound === undefined ? '' : `>= ${String(bound)}`,
        pass: bound === undefined || median(ratios) >= bound,
      };
    }),
    {
      what: `${at}: event loop of the application, p99 of its delay`,
      measured: `${loopP99Ms.toFixed(1)} ms`,
      passes: `<= ${String(loopBoundMs)} ms`,
      pass: loopP99Ms <= loopBoundMs,
    },
  ];
}
