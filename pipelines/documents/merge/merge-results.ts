import type { DocumentResult } from '../document.ts';

/** Many answers as one. */
export interface MergedResults {
  readonly success_count: number;
  readonly error_count: number;
  /** Of documents that succeeded, partly succeeded ones too, in their order. */
  readonly results: readonly DocumentResult[];
  readonly errors: readonly DocumentResult[];
}

/** Sorts answers by whether they succeeded. `merged.json` is this for a whole run, written without holding it. */
export function mergeResults(all: readonly DocumentResult[]): MergedResults {
  const results = all.filter(({ status }) => status === 'success');
  const errors = all.filter(({ status }) => status === 'error');
  return { success_count: results.length, error_count: errors.length, results, errors };
}
