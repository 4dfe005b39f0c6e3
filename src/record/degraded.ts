import { type RecordHeaders, textHeader } from './record.ts';

/** The header of outputs that came of a step which stood in for another; once for each, with the step's name. */
export const degradedHeader = 'millrace-degraded';

export const notDegraded: readonly string[] = Object.freeze([]);

/** `headers` with a mark for each step that stood in for another one. */
export const withDegraded = (headers: RecordHeaders, steps: readonly string[]): RecordHeaders =>
  steps.length === 0 ? headers : [...headers, ...steps.map((step) => textHeader(degradedHeader, step))];

/** The steps of several envelopes that become one, each once. */
export const stepsOf = (envelopes: readonly { readonly degraded: readonly string[] }[]): readonly string[] =>
  envelopes.every(({ degraded }) => degraded.length === 0) ? notDegraded : [...new Set(envelopes.flatMap(({ degraded }) => degraded))];
