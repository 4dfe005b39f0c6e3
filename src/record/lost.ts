import type { RecordError } from '../errors.ts';
import type { Place } from './part.ts';
import { recordError } from './record-error.ts';
import { formatPosition, type Position } from './record.ts';

const losers =
  'plain filter, switchMap, takeUntil and debounce lose envelopes, bufferCount keeps them: use keepOnly, drop, split or batchWithin';

/** A part that nobody holds any more. */
export const lost = (position: Position): RecordError =>
  recordError(
    'envelope_lost',
    `the pipeline lost record ${formatPosition(position)}: its envelope reached neither the end nor a dropping operator (${losers})`,
    position,
  );

/** A record whose time is up before a call is made for it. */
export const tooLate = (position: Position): RecordError =>
  recordError(
    'deadline_exceeded',
    `record ${formatPosition(position)} is past its deadline (its own, or deadlineMs of the pipeline), so no call is made for it`,
    position,
  );

/** A part whose record's time is up while no call runs for it. */
export function overdue(position: Position, place: Place, isTooLate: boolean): RecordError {
  if (isTooLate) return tooLate(position);
  const isWaiting = place === 'queued' || place === 'bound' || place === 'kept';
  const why = isWaiting ? 'passed its deadline while it waited in a queue' : `passed its deadline and no operator works on it (${losers})`;
  return recordError(isWaiting ? 'deadline_exceeded' : 'envelope_lost', `record ${formatPosition(position)} ${why}`, position);
}
