import type { Deed } from './deed.ts';
import { type Problem, weightOf } from './problem.ts';
import { runScript, type Script, type Trial } from './run-seed.ts';

/** A run costs some hundredths of a second: a few seconds for an answer that is read in one. */
const mostRuns = 200;

/**
 * Leaves out faults and records as long as a problem of the same kind remains: what is left is what it takes. Not always the
 * least there is, and at most 200 runs.
 */
export async function shrink(
  trial: Trial,
  script: Script,
  problems: readonly Problem[],
): Promise<{ readonly script: Script; readonly problems: readonly Problem[] }> {
  const kind = worstOf(problems)?.kind;
  let best = { script, problems };
  let runs = 0;
  const holds = async (candidate: Script): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs += 1;
    const { problems: found } = await runScript(trial, candidate);
    const [first] = found.filter((one) => one.kind === kind);
    if (first) best = { script: candidate, problems: [first, ...found.filter((one) => one !== first)] };
    return first !== undefined;
  };
  for (const fault of script.faults) {
    const faults = best.script.faults.filter((one) => one !== fault);
    await holds({ ...best.script, faults });
  }
  for (let size = Math.ceil(best.script.records.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.script.records.length && runs < mostRuns; ) {
      const records = best.script.records.toSpliced(from, size);
      if (records.length === 0 || !(await holds(withRecords(best.script, records)))) from += size;
    }
  }
  return best;
}

function withRecords(script: Script, records: Script['records']): Script {
  const kept = new Set(records.map(({ record }) => record));
  const feeds = script.feeds.map(
    (deed): Deed => (deed.do === 'feed' ? { ...deed, records: deed.records.filter(({ record }) => kept.has(record)) } : deed),
  );
  return { ...script, records, feeds };
}

const worstOf = (problems: readonly Problem[]): Problem | undefined => [...problems].sort((a, b) => weightOf(a) - weightOf(b))[0];
