/** Between two looks at a batch: most take minutes to hours, small ones seconds. */
const firstLookMs = 2_000;
const longestLookMs = 60_000;

/** Failed looks in a row that are waited out: about ten minutes. */
const mostFailedLooks = 14;

/** How long to wait before the `nth` look, from 1, in ms: half as long again each time, 60 s at most. */
export const lookAfterMs = (nth: number): number => Math.min(longestLookMs, firstLookMs * 1.5 ** Math.min(nth - 1, 30));

/** Whether a look that failed, the `nth` in a row, is followed by another one. */
export const looksOn = (nth: number): boolean => nth < mostFailedLooks;

/** What a server says of a batch, as far as it decides anything. */
export interface BatchStanding {
  readonly status: string;
  readonly output_file_id?: string | null;
  readonly error_file_id?: string | null;
  readonly request_counts?: { readonly completed: number } | null;
}

/** What is to be done with a batch: look again later, read what it has, or tell that it was refused as a whole. */
export type BatchStep = 'wait' | 'read' | 'refused';

/** A status that is not known is waited for, too: servers add some (`queued`, `running`). */
export function stepOf({ status, output_file_id: output, error_file_id: errors }: BatchStanding): BatchStep {
  if (status === 'failed') return output || errors ? 'read' : 'refused';
  return status === 'completed' || status === 'expired' || status === 'cancelled' ? 'read' : 'wait';
}

/** Whether a batch that was made earlier for the same requests is to be taken up, which pays for nothing twice: it runs, or brought something. */
export function isOfUse(batch: BatchStanding): boolean {
  if (batch.status === 'cancelling') return false;
  if (stepOf(batch) === 'wait' || batch.status === 'completed') return true;
  return (batch.request_counts?.completed ?? 0) > 0;
}
