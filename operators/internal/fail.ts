import { stopsPipeline } from '../../src/classify.ts';
import { messageOf } from '../../src/errors.ts';
import { type Envelope, membersOf } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';
import { recordError } from '../../src/record/record-error.ts';
import { formatPosition, type Position } from '../../src/record/record.ts';

/** Fails an envelope that was taken; of a batch each member, with an error that names its own position. */
export function fail(envelope: Envelope<unknown, unknown>, handle: Handle, errorFor: (position: Position) => Error): void {
  const members = membersOf(envelope, handle);
  if (members) for (const [member, own] of members) fail(member, own, errorFor);
  else handle.part.settle('failed', errorFor(envelope.position));
}

/** The error of a record for which a function of the user's threw; one that stops the pipeline stays what it is. */
export const threw =
  (operator: string, cause: unknown) =>
  (position: Position): Error =>
    cause instanceof Error && stopsPipeline(cause)
      ? cause
      : recordError(
          'project_threw',
          `the function given to ${operator} threw for record ${formatPosition(position)}: ${messageOf(cause)}`,
          position,
          cause,
        );
