import type { RunSnapshot } from './run-snapshot.state.ts';

/** What a report tells. */
export interface RunReport {
  /** What ran: `documents: 238 addresses`. */
  readonly title: string;
  /** What the items are, in the plural. @defaultValue items */
  readonly noun?: string;
  /** What else is worth knowing of the run, in this order: the model, the input, options. No secrets. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  readonly run: RunSnapshot;
}
