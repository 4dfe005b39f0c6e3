import type { Step } from './step.ts';

/** What a check found: `fail` with the reason. */
export interface Check {
  readonly result: 'pass' | 'fail' | 'skipped';
  readonly why?: string;
}

/** The checks of one pair; `duplicate` is decided over all seeds, and not here. */
export interface Checks {
  readonly schema: Check;
  readonly answerable: Check;
  readonly closed_book: Check;
}

export interface Evidence {
  /** The step that it comes from. */
  readonly step: number;
  readonly tool: string;
  readonly input: unknown;
  readonly text: string;
  readonly source?: string;
}

export interface Pair {
  readonly question: string;
  readonly answer: string;
  readonly evidence: readonly Evidence[];
}

/** A way from the seed to its last step, and what was made of it. */
export interface Trajectory {
  readonly id: string;
  readonly steps: readonly Step[];
  /** Undefined where no pair could be written; `why` says why. */
  readonly pair?: Pair;
  readonly why?: string;
  readonly checks?: Checks;
  /** Of writing and checking. */
  readonly tokens: TokenCount;
}

export interface TokenCount {
  readonly input: number;
  readonly output: number;
}

/** What came of one seed. */
export interface Findings {
  readonly trajectories: readonly Trajectory[];
  readonly depth: number;
  readonly steps: number;
  /** How often each tool was used, and how often that failed. */
  readonly tools: Readonly<Record<string, { readonly used: number; readonly failed: number }>>;
  /** Why ways ended: `finished`, `max_depth`, `max_steps`, `repeated`, `tool_errors`, or the code of an answer that could not be used. */
  readonly ends: Readonly<Record<string, number>>;
  readonly toolMs: number;
  readonly model: string;
}
