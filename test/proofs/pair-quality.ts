import { lastValueFrom, reduce } from 'rxjs';
import { chanceFrom } from '../../pipelines/synthesis/agent/chance.ts';
import { checkPair } from '../../pipelines/synthesis/agent/check-pair.ts';
import { Desk } from '../../pipelines/synthesis/agent/desk.ts';
import type { Findings, Pair } from '../../pipelines/synthesis/agent/findings.ts';
import type { SeedOrder } from '../../pipelines/synthesis/agent/order.ts';
import type { AskModel } from '../../pipelines/synthesis/agent/question.ts';
import { configFrom } from '../../pipelines/synthesis/config.ts';
import { Decisions } from '../../pipelines/synthesis/decisions.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { oracle } from './pair-quality/oracle.ts';
import { type Fault, faults, plantedPairs } from './pair-quality/pairs.ts';
import { reader, unseenPairs } from './pair-quality/unseen.ts';

export const name = 'pair-quality';
export const summary =
  'what the checks of synthesis say about 50 pairs, of which 22 have a fault that was planted, and about 36 that were written after the checks, in other words, with an oracle for a model each: precision and recall by kind; a second';

/** Of those that the checks were not built with, in other words. */
const unseenGoal = 0.85;
/** Of each kind together; a fault that is put into another's drawer is found, and counts against that drawer's precision. */
const goal = 0.9;

export async function run({ say }: ExperimentContext): Promise<ExperimentResult> {
  const said = await judged(plantedPairs, oracle, say);
  const unseen = await judged(unseenPairs, reader, say);
  const pairs = (what: string, rows: readonly Said[], count: number): Finding => {
    const faulty = rows.filter(({ planted }) => planted !== undefined).length;
    return { what, measured: `${String(rows.length)}, ${String(faulty)} with a fault`, passes: '', pass: rows.length === count };
  };
  return {
    measured: [
      pairs('pairs', said, 50),
      finding('any fault', said.map(anyFault), goal),
      ...faults.map((fault) => finding(fault, said.map(ofKind(fault)), goal)),
      pairs('pairs in other words', unseen, 36),
      finding('any fault, in other words', unseen.map(anyFault), unseenGoal),
      ...faults.map((fault) => finding(`${fault}, in other words`, unseen.map(ofKind(fault)), undefined)),
    ],
    pass: true,
  };
}

interface Said {
  readonly planted: Fault | undefined;
  readonly found: Fault | undefined;
}

const anyFault = ({ planted, found }: Said) => [planted !== undefined, found !== undefined] as const;
const ofKind =
  (fault: Fault) =>
  ({ planted, found }: Said) =>
    [planted === fault, found === fault] as const;

async function judged(
  all: readonly { readonly pair: Pair; readonly fault: Fault | undefined }[],
  model: typeof oracle,
  say: ExperimentContext['say'],
): Promise<readonly Said[]> {
  const { config } = configFrom('proof', { environment_mode: 'web' });
  const decisions = new Decisions(config);
  const ask = asking(model);
  const said: Said[] = [];
  for (const [at, { pair, fault }] of all.entries()) {
    const desk = new Desk(ask, { maxAnswerTokens: 100, temperature: 0 } as SeedOrder, chanceFrom('pair-quality', at));
    const checks = await checkPair(pair, desk, { closedBook: true });
    const first = (['schema', 'answerable', 'closed_book'] as const).find((one) => checks[one].result === 'fail');
    const found = first ?? (isDuplicate(decisions, at, pair, checks) ? 'duplicate' : undefined);
    said.push({ planted: fault, found });
    if (found !== fault) say(`pair ${String(at)} (${pair.question}): planted ${fault ?? 'nothing'}, found ${found ?? 'nothing'}`);
  }
  return said;
}

/** Through the same doors as pairs of a run. */
function isDuplicate(decisions: Decisions, at: number, pair: Pair, checks: Awaited<ReturnType<typeof checkPair>>): boolean {
  const trajectory = { id: `t-${String(at)}`, steps: [], pair, checks, tokens: { input: 0, output: 0 } };
  const findings: Findings = { trajectories: [trajectory], depth: 1, steps: 1, tools: {}, ends: {}, toolMs: 0, model: 'oracle' };
  return decisions.next({ sourceId: String(at), value: 'x' }, findings).duplicates.size > 0;
}

function asking(says: typeof oracle): AskModel {
  const model = scripted(says, { name: 'oracle' });
  return async ({ turns, maxTokens, temperature }) => {
    const said = await lastValueFrom(model.chat(turns, { maxTokens, temperature }).pipe(reduce((all, { text }) => all + text, '')));
    return { value: JSON.parse(said) as unknown, model: 'oracle', inputTokens: 0, outputTokens: 0 };
  };
}

/** @param least undefined: it only informs. */
function finding(what: string, rows: readonly (readonly [boolean, boolean])[], least: number | undefined): Finding {
  const [both, planted, found] = [
    rows.filter(([is, says]) => is && says).length,
    rows.filter(([is]) => is).length,
    rows.filter(([, says]) => says).length,
  ];
  const precision = found === 0 ? 0 : both / found;
  const recall = planted === 0 ? 0 : both / planted;
  return {
    what,
    measured: `precision ${precision.toFixed(2)} (${String(both)} of ${String(found)}), recall ${recall.toFixed(2)} (${String(both)} of ${String(planted)})`,
    passes: least === undefined ? '' : `both >= ${String(least)}`,
    pass: least === undefined || (precision >= least && recall >= least),
  };
}
