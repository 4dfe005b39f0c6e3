import { availableParallelism, loadavg } from 'node:os';
import { smollm2 } from '../../src/artifacts/catalogue.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { messageOf } from '../../src/errors.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import { questions, type Round, type Task } from './models/work.ts';
import { fact, median, quantile } from './overhead/measure.ts';
import { chunkDelays } from './serve/chunk-cost.ts';
import { ofRound, type ServeContender, type Slice } from './serve/contender.ts';
import { idleStreams } from './serve/idle-streams.ts';
import { pressed } from './serve/pressed.ts';

export const name = 'serve';
export const summary =
  'the service pressed by `millrace load --queues 5 --loops 20`, against a process a request, the model called directly, and llama-server; about 10 minutes, --short 2';

const atOnce = 5;
const serving = new URL('serve/serving-program.ts', import.meta.url);

const own = 'the service, 5 at once';
const alone = 'the service, one at a time';
const each = 'a process for each request, 5 at once';
const called = 'its model called directly, 5 at once';
const ownProgram = 'the service in front of llama-server, 5 at once';
const calledProgram = 'llama-server called by server() directly, 5 at once';
const program = 'llama-server itself, 5 at once';

/** What is held against what, and what it must come to. */
const pairs: readonly { readonly one: string; readonly other: string; readonly least: number | undefined }[] = [
  { one: own, other: each, least: 2 },
  { one: own, other: called, least: 0.95 },
  { one: ownProgram, other: calledProgram, least: 0.95 },
  { one: own, other: alone, least: undefined }, // what batching adds, on this machine
  { one: own, other: program, least: undefined },
  { one: ownProgram, other: program, least: undefined },
];

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const { short, signal, say } = context;
  const threads = Math.max(1, availableParallelism() - 1);
  const task: Task = { modelPath: await pullArtifact(smollm2, { signal }), atOnce, threads };
  const findings = [...(await costs(context))];
  const workers: Worker[] = [];
  try {
    const contenders = await opened(task, workers, signal, findings);
    const rounds = short ? 3 : 5;
    const count = short ? atOnce : 20; // 5 x 20: the 100 tasks of the published run, in slices that take turns
    for (const { ask } of contenders) await ask(questions(atOnce, 0)); // the prefix is kept from here on
    const slices = new Map<string, Slice[]>(contenders.map((one) => [one.name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const one of round % 2 === 0 ? contenders : [...contenders].reverse()) {
        signal.throwIfAborted();
        // to each its own, of the same length: some have their model in common, which would know the questions of the one before
        const slice = await one.ask(questions(count, 100 + (round * contenders.length + contenders.indexOf(one)) * count));
        slices.get(one.name)?.push(slice);
        say(`${String(round + 1)}/${String(rounds)} ${one.name}: ${slice.tokensPerSecond.toFixed(1)} tokens/s`);
      }
    }
    findings.push(...slicesShown(slices), ...pairsShown(slices));
  } finally {
    await Promise.all(workers.map((one) => one.end(0)));
  }
  return { measured: [...findings, ...published, machine(threads)], pass: true };
}

/** Those that can be had; llama-server may be missing, and then that is told. */
async function opened(task: Task, workers: Worker[], signal: AbortSignal, findings: Finding[]): Promise<readonly ServeContender[]> {
  const start = async (file: URL, given: object) => {
    const worker = startWorker(file, given);
    workers.push(worker);
    return { worker, ...(await worker.next<{ readonly url: string; readonly programUrl?: string | null }>('ready')) };
  };
  const overHttp = (who: string, url: string, queues: number): ServeContender => ({
    name: who,
    ask: (asked) => pressed(url, queues, asked, signal),
  });
  const directly = (who: string, worker: Worker): ServeContender => ({
    name: who,
    ask: async (asked) => {
      worker.say(JSON.stringify(asked));
      return ofRound(await worker.next<Round>('round'));
    },
  });
  const service = await start(serving, { ...task, via: 'llama' });
  const processes = await start(new URL('serve/process-each-program.ts', import.meta.url), task);
  const found = [
    overHttp(own, service.url, atOnce),
    directly(called, service.worker),
    overHttp(alone, service.url, 1),
    overHttp(each, processes.url, atOnce),
  ];
  try {
    const behind = await start(serving, { ...task, via: 'llama-server' });
    found.push(overHttp(ownProgram, behind.url, atOnce), directly(calledProgram, behind.worker));
    if (typeof behind.programUrl === 'string') found.push(overHttp(program, behind.programUrl, atOnce));
  } catch (error) {
    signal.throwIfAborted();
    findings.push(fact('llama-server', `not run: ${messageOf(error)}`));
  }
  return found;
}

const slicesShown = (slices: ReadonlyMap<string, readonly Slice[]>): readonly Finding[] =>
  [...slices].map(([who, all]) => {
    const of = (figure: (slice: Slice) => number): number => median(all.map(figure));
    const peaks = all.flatMap(({ peakPerSecond }) => (peakPerSecond === undefined ? [] : [peakPerSecond]));
    const peak = peaks.length === 0 ? '' : `, peak ${Math.max(...peaks).toFixed(0)}`;
    const perSecond = `QPS ${of((slice) => slice.perSecond).toFixed(2)}, ${of((slice) => slice.tokensPerSecond).toFixed(1)} tokens/s${peak}`;
    return fact(who, `${perSecond}, first token p50 ${of((slice) => slice.firstTokenMs).toFixed(0)} ms`);
  });

const pairsShown = (slices: ReadonlyMap<string, readonly Slice[]>): readonly Finding[] =>
  pairs.flatMap(({ one, other, least }) => {
    const [mine, theirs] = [slices.get(one), slices.get(other)];
    if (mine === undefined || theirs === undefined) return [];
    const ratios = mine.map(({ tokensPerSecond }, round) => tokensPerSecond / (theirs[round]?.tokensPerSecond ?? Number.NaN));
    return [
      {
        what: `${one} / ${other}`,
        measured: `${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
        passes: least === undefined ? '' : `>= ${String(least)}`,
        pass: least === undefined || median(ratios) >= least,
      },
    ];
  });

/** What the service itself costs, without a model that computes. */
async function costs({ short, signal }: ExperimentContext): Promise<readonly Finding[]> {
  const delays = [...(await chunkDelays(atOnce, short ? 25 : 150))].sort((a, b) => a - b);
  const p50 = quantile(delays, 0.5);
  const idle = await idleStreams(500, signal);
  const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    {
      what: `from the model to a client that has the chunk, ${String(delays.length)} chunks of ${String(atOnce)} streams`,
      measured: `p50 ${p50.toFixed(2)} ms, p99 ${quantile(delays, 0.99).toFixed(2)} ms`,
      passes: 'p50 <= 1 ms',
      pass: p50 <= 1,
    },
    {
      what: `${String(idle.open)} streams that stand still: what the process holds more`,
      measured: `${mega(idle.moreBytes)}, ${mega(idle.bytes)} in all`,
      passes: '<= 100 MB, 500 open',
      pass: idle.moreBytes <= 100e6 && idle.open === 500,
    },
  ];
}

/** Another model on another machine: only the ratio can be held against ours. */
const published: readonly Finding[] = [
  fact('published, for comparison: 100 tasks, 5 queues of 20', 'from 718 s to 457 s by pooling alone (1.57 x), QPS 0.22, peak 12 tokens/s'),
];

const machine = (threads: number): Finding =>
  fact('threads of the model, and load of the machine at the end (1 min)', `${String(threads)}, ${loadavg()[0]?.toFixed(1) ?? '?'}`);
