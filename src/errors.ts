/**
 * How a failure is treated.
 *
 * | grade | means | what is done |
 * |---|---|---|
 * | `transient` | it may pass | another attempt, after a wait; a call that went down with its model (`model_crashed`) has made none |
 * | `overload` | the other side asks for less | wait as long as it asks; no attempt is counted |
 * | `resource` | memory, disk or the like is used up | degrade: a longer wait with the source held, so that fewer run at once; it counts as an attempt |
 * | `record` | this record can never succeed | dead letter, at once |
 * | `pipeline` | no record can succeed until a person has acted | the record is given back, the pipeline stops |
 *
 * Where attempts end, a record goes on to the retry topics, if there are any, and then to the dead letters.
 */
export type Grade = 'transient' | 'overload' | 'resource' | 'record' | 'pipeline';

/** Every error code has exactly one grade; this table is the only place that says which. */
export const gradeOf = {
  // options and life of a pipeline
  invalid_option: 'pipeline',
  pipeline_stopped: 'pipeline',
  resource_failed: 'pipeline',
  unreadable_metadata: 'pipeline',
  missing_dependency: 'pipeline',
  // one record's way through a pipeline
  pipeline_threw: 'record',
  project_threw: 'record',
  no_result: 'record',
  lineage_reused: 'record',
  envelope_lost: 'record',
  deadline_exceeded: 'record',
  batch_size_mismatch: 'record',
  not_singled_out: 'record',
  unknown_route: 'record',
  too_many_parts: 'record',
  cross_partition_output: 'record',
  // bytes to values and back
  decode_failed: 'record',
  encode_failed: 'record',
  schema_violation: 'record',
  unexpected_tombstone: 'record',
  undecodable_batch: 'record',
  // documents: files, rows, pages
  unreadable_document: 'record',
  // the schema registry
  registry_unavailable: 'transient',
  registry_failed: 'pipeline',
  schema_not_found: 'pipeline',
  schema_incompatible: 'pipeline',
  // the log
  transport_unavailable: 'transient',
  transport_failed: 'pipeline',
  authentication_failed: 'pipeline',
  unknown_topic: 'pipeline',
  record_too_large: 'record',
  record_rejected: 'record',
  fenced: 'pipeline',
  // calls
  call_timeout: 'transient',
  call_failed: 'transient', // by an error that is not ours
  overloaded: 'overload',
  breaker_open: 'overload',
  call_too_large: 'record',
  resource_exhausted: 'resource',
  // the journal of finished work
  journal_full: 'pipeline',
  journal_read_only: 'pipeline',
  journal_failed: 'pipeline',
  journal_in_use: 'pipeline',
  // models
  model_unavailable: 'transient',
  model_crashed: 'transient', // no attempt: see `retryWithBackoff`
  model_killed: 'record',
  model_failed: 'transient',
  model_not_found: 'pipeline',
  model_damaged: 'pipeline',
  model_rejected: 'record',
  model_unauthorized: 'pipeline',
  prompt_too_long: 'record',
  answer_invalid: 'record',
  answer_truncated: 'record',
  answer_refused: 'record',
  answer_empty: 'transient',
  schema_unsupported: 'pipeline',
  capability_missing: 'pipeline',
  // tools of agents
  tool_refused: 'record',
  tool_failed: 'transient',
} as const satisfies Record<string, Grade>;

/** The closed set of error codes; a code is stable, a message is not. */
export type ErrorCode = keyof typeof gradeOf;

const brand = Symbol.for('millrace.error');

export interface StreamErrorOptions {
  readonly cause?: unknown;
  /** The source record concerned, as `topic/partition@offset`. */
  readonly position?: string;
  /** Earliest time for another try, in ms from now, as the other side asked. */
  readonly retryAfterMs?: number;
  /** HTTP status, where there was one. */
  readonly status?: number;
}

/** Base of every error that Millrace raises itself. Test with {@link isStreamError}, decide by `code` or `grade`. */
export class StreamError extends Error {
  readonly code: ErrorCode;
  readonly grade: Grade;
  readonly position: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, options: StreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.grade = gradeOf[code];
    this.position = options.position;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
  }

  /** Whether another attempt could succeed: true for the grades `transient`, `overload` and `resource`. */
  get retryable(): boolean {
    return isRetryable(this.grade);
  }
}

/** An option outside its range or against another one; thrown at the call, before anything has started. */
export class OptionError extends StreamError {
  constructor(message: string, options?: StreamErrorOptions) {
    super('invalid_option', message, options);
  }
}

/** One record failed for a reason of its own. */
export class RecordError extends StreamError {}

/** Bytes that are not a value, or a value that cannot be bytes: poison, never retried. */
export class CodecError extends StreamError {}

/** A document that is no text, is too large, is damaged or cannot be opened: never tried again. */
export class DocumentError extends StreamError {
  constructor(message: string, options?: StreamErrorOptions) {
    super('unreadable_document', message, options);
  }
}

/** A schema registry could not be asked, or said no. */
export class RegistryError extends StreamError {}

/** The log could not be read or written. */
export class TransportError extends StreamError {}

/** A model could not answer, or its answer could not be used. */
export class InferenceError extends StreamError {}

/** A tool was asked for what it cannot or must not do (`tool_refused`), or broke down (`tool_failed`). */
export class ToolError extends StreamError {}

/** One attempt took longer than its timeout and was aborted. */
export class TimeoutError extends StreamError {
  constructor(message: string, options?: StreamErrorOptions) {
    super('call_timeout', message, options);
  }
}

/** The other side, or a policy in front of it, asks for less: wait, do not count an attempt. */
export class OverloadError extends StreamError {
  constructor(message: string, options?: StreamErrorOptions) {
    super('overloaded', message, options);
  }
}

/** A circuit breaker keeps calls from a service that fails: the last failure is the cause. */
export class BreakerOpenError extends StreamError {
  constructor(message: string, options?: StreamErrorOptions) {
    super('breaker_open', message, options);
  }
}

/** A journal of finished work could not be opened or written: until a person has acted, nothing would be kept. */
export class JournalError extends StreamError {}

/** The pipeline as a whole cannot go on. */
export class PipelineError extends StreamError {}

/** Whether `error` is one of ours, also when it was made by another copy of this package. */
export function isStreamError(error: unknown): error is StreamError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** Whether `error` says that somebody cancelled: the standard AbortError, never wrapped, never a failure. */
export function isAbortError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  if (error === null) return 'thrown value null';
  return typeof error === 'string' ? error : `thrown value of type ${typeof error}`;
}

/** Whether another attempt could succeed. */
export const isRetryable = (grade: Grade): boolean => grade === 'transient' || grade === 'overload' || grade === 'resource';

/** A text as it may be shown: what stands before the last `@` may be a user and a password. */
export const withoutCredentials = (text: string): string => text.replace(/^([a-z][\w+.-]*:\/\/)?[^]*@/i, '$1…@');

const describe = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(withoutCredentials(value))
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value);

/** @throws OptionError unless `value` is an integer of at least `min` (and at most `max`). */
export function requireInteger(name: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): asserts value is number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `>= ${String(min)}` : `from ${String(min)} to ${String(max)}`;
  throw new OptionError(`${name} must be an integer ${range}, got ${describe(value)}`);
}

/** @throws OptionError unless `value` is a finite number of at least `min` (and at most `max`). */
export function requireNumber(name: string, value: unknown, min: number, max: number = Number.MAX_VALUE): asserts value is number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return;
  const [isOpen, isEndless] = [min === Number.MIN_VALUE, max === Number.MAX_VALUE];
  const from = isOpen ? 'above 0' : isEndless ? `>= ${String(min)}` : `from ${String(min)}`;
  const range = isEndless ? from : `${from}${isOpen ? ' and at most' : ' to'} ${String(max)}`;
  throw new OptionError(`${name} must be a number ${range}, got ${describe(value)}`);
}

/** @throws OptionError unless `value` is one of `allowed`. */
export function requireOneOf<const T extends string>(name: string, value: unknown, allowed: readonly T[]): asserts value is T {
  if (allowed.some((one) => one === value)) return;
  throw new OptionError(`${name} must be one of ${allowed.join(', ')}, got ${describe(value)}`);
}

/** @throws OptionError unless `value` is a string with something in it. */
export function requireText(name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value.trim() !== '') return;
  throw new OptionError(`${name} must be a non-empty string, got ${describe(value)}`);
}
