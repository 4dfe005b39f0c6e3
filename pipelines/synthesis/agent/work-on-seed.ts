import type { Clock, Tool } from 'millrace/tools';
import { chanceFrom } from './chance.ts';
import { checkPair } from './check-pair.ts';
import { Desk } from './desk.ts';
import { explore } from './explore.ts';
import type { Findings, Trajectory } from './findings.ts';
import type { SeedOrder } from './order.ts';
import { QuestionError } from './question-error.ts';
import type { AskModel } from './question.ts';
import { type Selected, selectTrajectories } from './select-trajectories.ts';
import { writePair } from './write-pair.ts';

/** Of what a tool said of its failure, in characters. */
const shownOfFailure = 300;

export interface WorkParts {
  readonly tools: readonly Tool[];
  readonly ask: AskModel;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * All the work on one seed: explore, select, write, check. What comes of it depends on the order, the model's answers and the tools' results alone; chance is made of the random seed and the seed's id.
 * @throws QuestionError `no_result` where nothing was found; what a model fails with for a reason that is not of one answer.
 */
export async function workOnSeed(order: SeedOrder, { tools, ask, clock, signal }: WorkParts): Promise<Findings> {
  const desk = new Desk(ask, order, chanceFrom(order.randomSeed, order.sourceId));
  const explored = await explore({ order, tools, desk, clock, signal });
  const selected = selectTrajectories(explored.steps, explored.leaves, order);
  if (selected.length === 0) {
    const why = Object.entries(explored.ends).map(([end, count]) => `${end} ${String(count)}`);
    const last = explored.steps.findLast(({ error }) => error !== undefined);
    const said = last === undefined ? '' : `; the last failure: ${last.text.slice(0, shownOfFailure).toWellFormed()}`;
    throw new QuestionError(
      'no_result',
      `no tool has found anything in ${String(explored.steps.length)} steps (${why.join(', ')})${said}`,
      false,
    );
  }
  const trajectories: Trajectory[] = [];
  for (const one of selected) trajectories.push(await trajectoryOf(one, order, desk));
  const { tools: used, ends, depth, toolMs, steps } = explored;
  return { trajectories, depth, steps: steps.length, tools: used, ends, toolMs, model: desk.model };
}

async function trajectoryOf({ id, steps }: Selected, order: SeedOrder, desk: Desk): Promise<Trajectory> {
  const before = desk.tokens;
  const tokens = () => ({ input: desk.tokens.input - before.input, output: desk.tokens.output - before.output });
  try {
    const pair = await writePair(steps, order, desk);
    const checks = await checkPair(pair, desk, { closedBook: order.closedBookCheck, promptChars: order.promptChars });
    return { id, steps, pair, checks, tokens: tokens() };
  } catch (error) {
    if (error instanceof QuestionError && error.isOfAnswer) return { id, steps, why: error.code, tokens: tokens() };
    throw error;
  }
}
