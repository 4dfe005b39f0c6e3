import type { Outcomes } from './outcomes.ts';
import { pairLines } from './pair-line.ts';

/** Of all pairs that the journal has: a line of another is none of this run. */
export async function idsOf(outcomes: Outcomes, mode: Parameters<typeof pairLines>[2]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { seed, outcome } of outcomes.all())
    if (outcome.status === 'done') for (const { pair_id: id } of pairLines(seed, outcome.findings, mode)) ids.add(id);
  return ids;
}
