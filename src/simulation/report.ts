import type { Deed } from './deed.ts';
import type { Event } from './history.ts';
import { type Problem, weightOf } from './problem.ts';
import { runSeed, type Script, type SeedRun, type Trial } from './run-seed.ts';
import { shrink } from './shrink.ts';

/** What a simulation has found. */
export interface SimulationReport {
  /** The seeds that were run, in this order; the last one is broken if there are problems. */
  readonly seeds: readonly number[];
  /** How often each fault has happened, over all seeds. */
  readonly faults: Readonly<Record<string, number>>;
  /** What is wrong with the run of the broken seed, after everything was left out that it does not take; empty if all is well. */
  readonly problems: readonly Problem[];
  /** What was seen in the last run, in order; for those who look closer. */
  readonly history: readonly Event[];
  /** For people: which record of which seed, what it takes, and how to see it again. */
  readonly message: string;
  /** Does nothing if all is well. @throws SimulationError with the message otherwise */
  readonly verify: () => void;
}

/** A simulation has found something. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[]) {
    super(message);
    this.problems = problems;
  }
}

const mostShown = 5;
const longestShown = 200;

/** What a broken run comes to, for people: what it takes is found out, and whether it can be replayed at all. */
export async function reportOf(trial: Trial, run: SeedRun, base: Pick<SimulationReport, 'seeds' | 'faults'>): Promise<SimulationReport> {
  const { script, history } = run;
  const { least, takes } = await leastOf(trial, run);
  const problems = [...least].sort((a, b) => weightOf(a) - weightOf(b));
  const shown = problems.slice(0, mostShown).map(({ kind, message }) => `  ${kind}: ${message}`);
  const more = problems.length > mostShown ? [`  and ${String(problems.length - mostShown)} more`] : [];
  const seed = String(script.seed);
  const replay = `replay it with MILLRACE_SEED=${seed}, or the option seed: ${seed}`;
  const message = [`seed ${seed} breaks a promise:`, ...shown, ...more, ...recordText(trial, script, problems), takes, replay].join('\n');
  const verify = (): void => {
    throw new SimulationError(message, problems);
  };
  return { ...base, problems, history, message, verify };
}

async function leastOf(trial: Trial, run: SeedRun): Promise<{ readonly least: readonly Problem[]; readonly takes: string }> {
  const { script, problems, history, isCalm } = run;
  if (isCalm) return { least: problems, takes: 'it takes no fault at all' };
  const again = await runSeed(trial, script.seed);
  if (JSON.stringify(again.history) !== JSON.stringify(history)) {
    const takes = 'a second run of this seed went another way: something takes time or chance from elsewhere than the clock and the seed';
    return { least: problems, takes };
  }
  const least = await shrink(trial, script, problems);
  const faults = least.script.faults.map(faultText).join(', ') || 'no fault but those of its calls';
  const takes = `it takes ${String(least.script.records.length)} of ${String(script.records.length)} records, and ${faults}`;
  return { least: least.problems, takes };
}

function faultText(deed: Deed): string {
  if (deed.do === 'feed' || deed.do === 'skip') return deed.do;
  const count = /^(send|commit)-/.test(deed.do) ? ` ${String(deed.count)} times` : '';
  return `${deed.do}${count} at ${String(deed.atMs)} ms (${String(deed.ms)} ms)`;
}

/** The record of the first problem, as it was given. */
function recordText(trial: Trial, { seed }: Script, [first]: readonly Problem[]): readonly string[] {
  const given = first?.record === undefined ? undefined : trial.records(seed)[first.record];
  if (given === undefined) return [];
  const text = JSON.stringify({
    key: given.key ?? null,
    value: given.bytes === undefined ? given.value : given.bytes && Buffer.from(given.bytes).toString(),
  });
  return [`record ${String(first?.record)} is ${text.length > longestShown ? `${text.slice(0, longestShown)}…` : text}`];
}
