import type { GpuUse } from './gpu-tally.ts';
import type { Limit, LoadPlan } from './load-plan.ts';
import type { LoadTally } from './load-tally.state.ts';
import type { GeneratorUse } from './loop-watch.ts';
import { shownUrl } from './target-kind.ts';

/** What a run was, and what came of it; `load.json`. */
export interface LoadReport extends ReturnType<LoadTally['sum']> {
  readonly format: 'millrace-load/1';
  readonly startedAt: string;
  /** False: it was stopped before its end. */
  readonly isComplete: boolean;
  readonly target: { readonly url: string; readonly kind: string; readonly model: string | undefined };
  /** In words, for people. */
  readonly plan: Readonly<Record<string, string>>;
  /** Requests at once, at most: what one run's neighbours have in common. */
  readonly atOnce: number;
  readonly generator: GeneratorUse;
  readonly gpus: readonly GpuUse[];
  /** What makes these figures less than they seem. */
  readonly remarks: readonly string[];
}

export interface LoadFacts {
  readonly plan: LoadPlan;
  readonly promptsFrom: string;
  readonly startedMs: number;
  readonly isComplete: boolean;
  readonly tally: LoadTally;
  readonly generator: GeneratorUse;
  readonly gpus: readonly GpuUse[];
  /** The lines of its log that are not in the file, and why. */
  readonly log: { readonly lost: number; readonly lostBy: string } | undefined;
}

/** Joins what was measured. */
export function loadReport(facts: LoadFacts): LoadReport {
  const { plan, startedMs, isComplete, tally, generator, gpus } = facts;
  const sum = tally.sum();
  const { shape } = plan;
  const atOnce = shape.loop === 'closed' ? shape.queues : Math.max(1, Math.min(shape.maxOpen, Math.round(meanOpen(sum))));
  return {
    format: 'millrace-load/1',
    startedAt: new Date(startedMs).toISOString(),
    isComplete,
    target: { url: shownUrl(plan.target.url), kind: plan.target.kind, model: plan.model },
    plan: planText(facts),
    atOnce,
    ...sum,
    ...{ generator, gpus, remarks: remarksOn(facts, sum) },
  };
}

type Sum = ReturnType<LoadTally['sum']>;

/** By Little's law. */
const meanOpen = ({ tasksPerSecond, serviceMs }: Sum): number => (tasksPerSecond * (serviceMs?.mean ?? 0)) / 1_000;

function planText({
  plan: { shape, limit, warmUp, users, maxTokens, seed, timeoutMs },
  promptsFrom,
}: LoadFacts): Readonly<Record<string, string>> {
  return {
    load:
      shape.loop === 'closed'
        ? `closed loop: ${count(shape.queues, 'queue')} of one task at a time`
        : `open loop: ${String(Number(shape.perSecond.toPrecision(6)))} tasks a second (Poisson), at most ${String(shape.maxOpen)} open`,
    end: limitText(limit),
    'warm-up': warmUp === undefined ? 'none' : limitText(warmUp),
    ...(users === undefined ? {} : { users: String(users) }),
    prompts: promptsFrom,
    'longest answer': count(maxTokens, 'token'),
    'time-out': `${String(timeoutMs / 1_000)} s`,
    seed: String(seed),
  };
}

function limitText(limit: Limit): string {
  if (limit.by === 'loops') return `${count(limit.loops, 'task')} in each queue`;
  return limit.by === 'tasks' ? count(limit.tasks, 'task') : `begins tasks for ${String(limit.durationMs / 1_000)} s`;
}

const count = (of: number, noun: string): string => `${of.toLocaleString('en-US')} ${noun}${of === 1 ? '' : 's'}`;

/** The loop of a generator that keeps up is this late at most, and it has a part of its core left. */
const bounds = { loopP99Ms: 20, cpuShare: 0.8 } as const;

function remarksOn({ plan, isComplete, generator, log }: LoadFacts, { tasks, tokens, elapsedMs }: Sum): readonly string[] {
  const { loopDelayMs, cpuShare } = generator;
  const isLate = (loopDelayMs?.p99 ?? 0) > bounds.loopP99Ms;
  const isBusy = cpuShare > bounds.cpuShare && elapsedMs > 1_000;
  const late = `${count(tasks.late, 'task')} began later than due, by up to ${tasks.mostLateMs.toFixed(0)} ms; that is in their latency`;
  const { usage, server, chunks } = tokens.countedBy;
  return [
    ...(isComplete ? [] : ['stopped before its end: these are the figures up to then']),
    ...(isLate
      ? [`the generator itself was late: its loop by ${(loopDelayMs?.p99 ?? 0).toFixed(0)} ms (p99); times are too long by that`]
      : []),
    ...(isBusy ? [`the generator was busy: ${(cpuShare * 100).toFixed(0)} % of a core; it may be what bounds these figures`] : []),
    ...(plan.shape.loop === 'open' && tasks.late > 0 ? [late] : []),
    ...(tasks.neverStarted > 0 ? [`${count(tasks.neverStarted, 'task')} never began; they are failures, and in no latency`] : []),
    ...(tasks.failed > 0 ? ['latencies are of completed tasks alone'] : []),
    ...(tasks.empty > 0 ? [`${count(tasks.empty, 'answer')} had no text`] : []),
    ...(chunks > 0 ? [`of ${count(chunks, 'answer')} nobody told the tokens: a chunk counts as one`] : []),
    ...(usage > 0 && server + chunks > 0 ? [`tokens are the server's usage in ${count(usage, 'answer')} only`] : []),
    ...(tasks.restarts > 0 ? [`${count(tasks.restarts, 'answer')} began anew on the way (attempt)`] : []),
    ...(tasks.resent > 0 ? [`${count(tasks.resent, 'request')} went out once more: the server had closed the kept connection`] : []),
    ...(log && log.lost > 0 ? [`${count(log.lost, 'line')} of the log were lost: ${log.lostBy}`] : []),
  ];
}
