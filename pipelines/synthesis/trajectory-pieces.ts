import type { Outcomes } from './outcomes.ts';
import { pairIdOf } from './pair-line.ts';

/** `trajectories_….json` piece by piece: an array with an element for each trajectory that was chosen, also of those whose pair was not kept, and why. */
export async function* trajectoryPieces(
  outcomes: Outcomes,
  duplicates: ReadonlyMap<string, string>,
): AsyncGenerator<string, void, undefined> {
  let isFirst = true;
  yield '[';
  for await (const { seed, outcome } of outcomes.all()) {
    if (outcome.status !== 'done') continue;
    for (const { id, steps, pair, why, checks, tokens } of outcome.findings.trajectories) {
      const pairId = pairIdOf(seed.sourceId, id);
      const before = duplicates.get(pairId);
      const duplicate = before === undefined ? { result: 'pass' } : { result: 'fail', why: `nearly the same as ${before}` };
      const one = {
        ...{ source_id: seed.sourceId, trajectory_id: id, steps },
        ...(pair === undefined ? { why } : { pair: { pair_id: pairId, ...pair }, checks: { ...checks, duplicate } }),
        tokens,
      };
      yield `${isFirst ? '' : ','}\n${JSON.stringify(one)}`;
      isFirst = false;
    }
  }
  yield '\n]\n';
}
