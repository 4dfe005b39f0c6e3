/** One use of a tool on the way from a seed. */
export interface Step {
  /** Its place among the steps of its seed, from 0. */
  readonly id: number;
  /** The step before it; null: the first one. */
  readonly parent: number | null;
  /** 1 for the first. */
  readonly depth: number;
  readonly tool: string;
  readonly input: unknown;
  /** What the tool found, or what it said was wrong. */
  readonly text: string;
  readonly source?: string;
  readonly isCut?: boolean;
  /** What it says is no evidence. */
  readonly foundNothing?: boolean;
  /** The code of what was wrong; such a step is no evidence. */
  readonly error?: string;
}

/** The steps from the first to the one with this id. */
export function pathTo(steps: readonly Step[], id: number): readonly Step[] {
  const path: Step[] = [];
  for (let step = steps[id]; step; step = step.parent === null ? undefined : steps[step.parent]) path.unshift(step);
  return path;
}
