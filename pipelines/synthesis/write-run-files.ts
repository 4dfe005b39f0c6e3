import { writeWhole } from 'millrace';
import { accountOf, type RunTimes } from './account.state.ts';
import type { Outcomes } from './outcomes.ts';
import { cannotWrite, type RunFolder } from './run-folder.ts';
import type { SynthesisSummary } from './run-options.ts';
import type { SpendLimit } from './spend-limit.state.ts';
import { Statistics } from './statistics.ts';
import { trajectoryPieces } from './trajectory-pieces.ts';

export interface RunFilesParts {
  readonly folder: RunFolder;
  readonly outcomes: Outcomes;
  readonly decided: { readonly kept: number; readonly duplicates: ReadonlyMap<string, string> };
  readonly times: RunTimes;
  readonly endedBy: SynthesisSummary['endedBy'];
  readonly spend: Pick<SpendLimit, 'spent' | 'limit'>;
}

/** Writes `trajectories_….json` and `statistics_….json`, of all seeds that have an outcome, whichever run gave it. @throws PipelineError `resource_failed` */
export async function writeRunFiles({ folder, outcomes, decided, times, endedBy, spend }: RunFilesParts): Promise<SynthesisSummary> {
  const { manifest } = folder;
  const account = accountOf(times);
  const statistics = new Statistics(decided.duplicates);
  for await (const finished of outcomes.all()) statistics.add(finished);
  const { totals } = statistics;
  const open = manifest.seeds.length - totals.done - totals.failed;
  const whole = statistics.whole({ folder, times, account, endedBy, isComplete: open === 0 });
  try {
    await writeWhole(folder.trajectories, trajectoryPieces(outcomes, decided.duplicates));
  } catch (error) {
    throw cannotWrite(folder.trajectories, error);
  }
  try {
    await writeWhole(folder.statistics, [`${JSON.stringify(whole, undefined, 2)}\n`]);
  } catch (error) {
    throw cannotWrite(folder.statistics, error);
  }
  return {
    ...{ seeds: manifest.seeds.length, done: totals.done, failed: totals.failed, open, pairs: decided.kept },
    ...{ inputTokens: totals.tokens.input, outputTokens: totals.tokens.output, overloads: times.overloads },
    ...{ ended: times.seeds, spentTokens: spend.spent, ...(spend.limit < Infinity && { tokenBudget: spend.limit }) },
    ...{ endedBy: open === 0 ? 'complete' : endedBy, elapsedMs: times.elapsedMs, account },
    files: { pairs: folder.pairs, trajectories: folder.trajectories, statistics: folder.statistics },
  };
}
