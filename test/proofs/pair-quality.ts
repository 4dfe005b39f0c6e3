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

export const name = 'pair-quality';
export const summary =
  'what the checks of synthesis say about 50 pairs, of which 22 have a fault that was planted, with an oracle for a model: precision and recall by kind; a second';

/** Of each kind together; a fault that is put into another's drawer is found, and counts against that drawer's precision. */
const goal = 0.9;

export async function run({ say }: ExperimentContext): Promise<ExperimentResult> {
  const { config } = configFrom('proof', { environment_mode: 'web' });
  const decisions = new Decisions(config);
  const ask = asking();
  const said: { readonly planted: Fault | undefined; readonly found: Fault | undefined }[] = [];
  for (const [at, { pair, fault }] of plantedPairs.entries()) {
    const desk = new Desk(ask, { maxAnswerTokens: 100, temperature: 0 } as SeedOrder, chanceFrom('pair-quality', at));
    const checks = await checkPair(pair, desk, { closedBook: true });
    const first = (['schema', 'answerable', 'closed_book'] as const).find((one) => checks[one].result === 'fail');
    const found = first ?? (isDuplicate(decisions, at, pair, checks) ? 'duplicate' : undefined);
    said.push({ planted: fault, found });
    if (found !== fault) say(`pair ${String(at)}: planted ${fault ?? 'nothing'}, found ${found ?? 'nothing'}`);
  }
  const measured = [
    finding(
      'any fault',
      said.map(({ planted, found }) => [planted !== undefined, found !== undefined]),
    ),
    ...faults.map((fault) =>
      finding(
        fault,
        said.map(({ planted, found }) => [planted === fault, found === fault]),
      ),
    ),
  ];
  return {
    measured: [
      {
        what: 'pairs',
        measured: `${String(said.length)}, ${String(said.filter(({ planted }) => planted !== undefined).length)} with a fault`,
        passes: '',
        pass: said.length === 50,
      },
      ...measured,
    ],
    pass: true,
  };
}

/** Through the same doors as pairs of a run. */
function isDuplicate(decisions: Decisions, at: number, pair: Pair, checks: Awaited<ReturnType<typeof checkPair>>): boolean {
  const trajectory = { id: `t-${String(at)}`, steps: [], pair, checks, tokens: { input: 0, output: 0 } };
  const findings: Findings = { trajectories: [trajectory], depth: 1, steps: 1, tools: {}, ends: {}, toolMs: 0, model: 'oracle' };
  return decisions.next({ sourceId: String(at), value: 'x' }, findings).duplicates.size > 0;
}

function asking(): AskModel {
  const model = scripted(oracle, { name: 'oracle' });
  return async ({ turns, maxTokens, temperature }) => {
    const said = await lastValueFrom(model.chat(turns, { maxTokens, temperature }).pipe(reduce((all, { text }) => all + text, '')));
    return { value: JSON.parse(said) as unknown, model: 'oracle', inputTokens: 0, outputTokens: 0 };
  };
}

function finding(what: string, rows: readonly (readonly [boolean, boolean])[]): Finding {
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
    passes: `both >= ${goal.toFixed(1)}`,
    pass: precision >= goal && recall >= goal,
  };
}
