import { createHash } from 'node:crypto';
import type { CallScope } from '../../call.ts';
import { formatPosition } from '../../record/record.ts';

/**
 * A key that says of two requests whether they are one asked twice: the same for the same record, attempt and body, also in another
 * process after a restart; another attempt asks for another answer. Undefined outside a pipeline, where nothing asks twice.
 */
export function idempotencyKey({ position, attempt }: Pick<CallScope, 'position' | 'attempt'>, body: unknown): string | undefined {
  if (position === undefined) return undefined;
  const asked = [formatPosition(position), attempt, body];
  return `millrace-${createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 32)}`;
}
