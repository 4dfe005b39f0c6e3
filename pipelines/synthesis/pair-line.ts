import { createHash } from 'node:crypto';
import type { Config } from './config.ts';
import type { Evidence, Findings, TokenCount, Trajectory } from './agent/findings.ts';
import { type Seed, topicOf } from './seed.ts';

/** A line of `synthesized_qa_….jsonl`. */
export interface PairLine {
  readonly pair_id: string;
  readonly source_id: string;
  readonly trajectory_id: string;
  readonly question: string;
  readonly answer: string;
  readonly evidence: readonly Evidence[];
  readonly seed: string;
  readonly mode: Config['environment_mode'];
  readonly depth: number;
  readonly tools: readonly string[];
  readonly checks: Readonly<Record<'schema' | 'answerable' | 'closed_book' | 'duplicate', 'pass' | 'fail' | 'skipped'>>;
  readonly model: string;
  readonly tokens: TokenCount & { readonly total: number };
}

/** The pairs of a seed that its own checks let through, in the order of its trajectories; whether one says what another does is not known here. */
export function pairLines(seed: Seed, { trajectories, model }: Findings, mode: Config['environment_mode']): readonly PairLine[] {
  return trajectories.flatMap((trajectory) => lineOf(seed, trajectory, model, mode) ?? []);
}

/** Whether a pair may be kept, as far as can be said without the others. */
export const isPassed = ({ pair, checks }: Trajectory): boolean =>
  pair !== undefined && checks !== undefined && Object.values(checks).every(({ result }) => result !== 'fail');

export const pairIdOf = (sourceId: string, trajectoryId: string): string =>
  `q-${createHash('sha256')
    .update(JSON.stringify([sourceId, trajectoryId]))
    .digest('hex')
    .slice(0, 16)}`;

function lineOf(seed: Seed, trajectory: Trajectory, model: string, mode: Config['environment_mode']): PairLine | undefined {
  const { id, steps, pair, checks, tokens } = trajectory;
  if (pair === undefined || checks === undefined || !isPassed(trajectory)) return undefined;
  return {
    pair_id: pairIdOf(seed.sourceId, id),
    source_id: seed.sourceId,
    trajectory_id: id,
    question: pair.question,
    answer: pair.answer,
    evidence: pair.evidence,
    seed: topicOf(seed.value),
    mode,
    depth: steps.length,
    tools: [...new Set(steps.map(({ tool }) => tool))],
    checks: {
      schema: checks.schema.result,
      answerable: checks.answerable.result,
      closed_book: checks.closed_book.result,
      duplicate: 'pass',
    },
    model,
    tokens: { ...tokens, total: tokens.input + tokens.output },
  };
}
