import { type ErrorCode, type Grade, isStreamError } from './errors.ts';

/** Sockets that broke or could not be opened, names that could not be resolved. */
const transientCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND', // a service that is being replaced has no name for a moment
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** Memory, disk, or file handles of this machine are used up. */
const resourceCodes: ReadonlySet<string> = new Set([
  'ENOMEM',
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
]);

const overloadStatus: ReadonlySet<number> = new Set([429, 503, 529]);
const transientStatus: ReadonlySet<number> = new Set([408, 409, 425]);
const insufficientStorage = 507;
const mostCauses = 8; // errors that name each other as their cause must end somewhere

/**
 * The grade of anything that was thrown, ours or not; `record` when nothing says that another try could help. Only
 * errors of ours are of grade `pipeline`: a 401 of somebody else's client may concern one record's tenant, and one
 * record must not stop all others. To stop a pipeline, throw a `PipelineError`.
 */
export function classify(error: unknown): Grade {
  const one = telling(error);
  return (one && gradeByItself(one)) ?? 'record';
}

/** The outermost of an error and its causes that says what it is; `fetch()` hides the reason one level below. Undefined: none does. */
export function telling(error: unknown): Thrown | undefined {
  let one = error;
  for (let depth = 0; isObject(one) && depth < mostCauses; depth += 1) {
    if (gradeByItself(one) !== undefined) return one;
    one = one.cause;
  }
  return undefined;
}

const codeOfGrade = {
  transient: 'call_failed',
  overload: 'overloaded',
  resource: 'resource_exhausted',
  record: 'project_threw',
  pipeline: 'project_threw', // never of an error that is not ours
} as const satisfies Record<Grade, ErrorCode>;

/** The code of anything that was thrown: its own, that of an error of ours which it wraps, or that of its grade. */
export function codeOf(error: unknown): ErrorCode {
  const one = telling(error);
  return isStreamError(one) ? one.code : codeOfGrade[classify(one)];
}

/** Whether `error` says that no record can succeed until a person has acted. */
export const stopsPipeline = (error: unknown): boolean => classify(error) === 'pipeline';

export interface Thrown {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly response?: unknown;
  readonly $metadata?: unknown;
  readonly httpStatusCode?: unknown;
  readonly code?: unknown;
  readonly name?: unknown;
  readonly cause?: unknown;
}

const isObject = (value: unknown): value is Thrown => typeof value === 'object' && value !== null;

/** Undefined when the error itself does not say. */
function gradeByItself(error: Thrown): Grade | undefined {
  if (isStreamError(error)) return error.grade;
  const { code, name } = error;
  const status = statusOf(error);
  if (status !== undefined) return gradeOfStatus(status);
  if (typeof code === 'string' && transientCodes.has(code)) return 'transient';
  if (typeof code === 'string' && resourceCodes.has(code)) return 'resource';
  if (name === 'TimeoutError') return 'transient'; // of AbortSignal.timeout(), which is no cancellation
  return undefined;
}

/** The HTTP status, where the clients people use keep it: fetch wrappers and axios, got, the AWS SDK. */
export function statusOf({ status, statusCode, response, $metadata }: Thrown): number | undefined {
  const within: Thrown = isObject(response) ? response : {};
  const meta: Thrown = isObject($metadata) ? $metadata : {};
  return [status, statusCode, within.status, within.statusCode, meta.httpStatusCode].find((one) => typeof one === 'number');
}

function gradeOfStatus(status: number): Grade {
  if (overloadStatus.has(status)) return 'overload';
  if (status === insufficientStorage) return 'resource';
  return status >= 500 || transientStatus.has(status) ? 'transient' : 'record';
}
