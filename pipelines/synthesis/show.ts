import type { Checks } from './agent/findings.ts';
import type { SeedOutcome } from './outcome.ts';
import type { SynthesisSummary } from './run-options.ts';

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** One seed: what came of it, as far as the line is wide. */
export function seedLine(sourceId: string, outcome: SeedOutcome, width: number): string {
  const line =
    outcome.status === 'failed'
      ? `failed  ${sourceId}  ${seconds(outcome.wallMs)}  ${outcome.error.code}: ${outcome.error.message}`
      : `done    ${sourceId}  ${seconds(outcome.wallMs)}  ${outcome.findings.trajectories.map(({ pair, checks, why }) => (pair && checks ? (firstFault(checks) ?? pair.question) : (why ?? ''))).join(' · ')}`;
  const plain = line.replaceAll(/\s+/g, ' ');
  return plain.length > width ? `${plain.slice(0, Math.max(0, width - 1))}…` : plain;
}

function firstFault(checks: Checks): string | undefined {
  const name = (['schema', 'answerable', 'closed_book'] as const).find((one) => checks[one].result === 'fail');
  return name && `[${name}: ${checks[name].why ?? ''}]`;
}

/** The rows of the table at the end. */
export function summaryRows({
  seeds,
  done,
  failed,
  open,
  pairs,
  inputTokens,
  outputTokens,
  overloads,
  spentTokens,
  tokenBudget,
  account,
  elapsedMs,
}: SynthesisSummary): readonly (readonly string[])[] {
  const { shares, cpuShare, serialMs, speedUp } = account;
  return [
    ['', 'this run'],
    ['seeds', String(seeds)],
    ['done', String(done)],
    ['failed', String(failed)],
    ...(open > 0 ? [['without an outcome yet', String(open)]] : []),
    ['pairs', String(pairs)],
    ['tokens, of all runs', `${String(inputTokens)} in, ${String(outputTokens)} out`],
    ...(tokenBudget === undefined ? [] : [['tokens, of this run', `${String(spentTokens)} of ${String(tokenBudget)}`]]),
    ['time', `${seconds(elapsedMs)}; one seed after the other about ${seconds(serialMs)} (${speedUp.toFixed(1)} x)`],
    ['waiting on the model', percent(shares.calls)],
    ['waiting for a place or a budget', percent(shares.waiting)],
    ['tools', percent(shares.tools)],
    ['processes and the rest', percent(shares.rest)],
    ['processors busy', percent(cpuShare)],
    ...(overloads > 0 ? [['told that it was too much', String(overloads)]] : []),
  ];
}

/** A call begins only where the most it can take is left: what is said where a good part of the budget is. */
function budgetRemark({ spentTokens, tokenBudget = 0, ended }: SynthesisSummary): string {
  const left = `the token budget is spent: ${String(spentTokens)} of ${String(tokenBudget)} were used, and the next call may take more than what is left`;
  return ended > 0
    ? left
    : `${left}; no seed was finished within it, so that the next run would not get further: raise it, or lower max_answer_tokens`;
}

/** What is to be said beneath it. @param out where it is kept; undefined: it is not. */
export function remarksOn(summary: SynthesisSummary, out: string | undefined): readonly string[] {
  const { endedBy, account, failed, files, ended } = summary;
  const said = [...(account.isNoFaster ? ['in parallel it was no faster than one seed after the other'] : []), ...account.advice];
  if (out === undefined) return said;
  return [
    ...said,
    ...(ended === 0 && endedBy === 'complete' ? ['there was nothing left to do'] : []),
    ...(endedBy === 'budget' ? [budgetRemark(summary), `millrace synthesize --resume ${out} goes on with a new one`] : []),
    ...(endedBy === 'interrupted' ? [`it was stopped: millrace synthesize --resume ${out} goes on`] : []),
    ...(failed > 0 ? [`${String(failed)} failed: millrace synthesize --retry-failed ${out} tries them again`] : []),
    `pairs: ${files.pairs}; statistics: ${files.statistics}`,
  ];
}
