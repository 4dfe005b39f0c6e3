import { type ErrorCode, RecordError } from '../errors.ts';
import { formatPosition, type Position } from './record.ts';

/** An error that names its record. */
export const recordError = (code: ErrorCode, message: string, position: Omit<Position, 'epoch'>, cause?: unknown): RecordError =>
  new RecordError(code, message, { position: formatPosition(position), ...(cause === undefined ? {} : { cause }) });
