import type { Journal } from 'millrace';
import type { Outcomes } from './outcomes.ts';
import type { Publisher } from './publisher.ts';
import type { SeedProcesses } from './seed-processes.ts';
import type { Workers } from './workers-for.ts';

/** What a run works with, once it is open. */
export interface RunParts {
  readonly kept: Journal;
  readonly outcomes: Outcomes;
  readonly publisher: Publisher;
  readonly todo: readonly number[];
  readonly workers: Workers;
  readonly processes: SeedProcesses;
}
