import { statusOf, telling } from '../classify.ts';
import { isStreamError } from '../errors.ts';

/** What a back end answers when it has more to do than it can. */
export interface OverloadAnswers {
  readonly statuses: readonly number[];
  /** Whether a call that ran out of time (`callTimeout`, status 408 or 504) says so, too. */
  readonly timeouts: boolean;
}

/**
 * Which answers mean "overloaded", by back end.
 *
 * | back end | statuses | timeouts |
 * |---|---|---|
 * | `any` | 429, 503, 529 | yes |
 * | `openai` | 429, 503 | no: an answer is long because it is long; the service queues nothing |
 * | `anthropic` | 429, 503, 529 | no, for the same reason |
 * | `vllm`, `sglang`, `llama-server` | 429, 503 | yes: they queue without bound, and waiting is how they show it |
 * | `triton` (MLServer, KServe) | 429, 503 | yes: its queue is as long as its model's settings say, which as a rule is without bound |
 * | `llama` (in this machine) | none: its error is `overloaded`, as its queue is full | yes |
 */
export const overloadAnswers = {
  any: { statuses: [429, 503, 529], timeouts: true },
  openai: { statuses: [429, 503], timeouts: false },
  anthropic: { statuses: [429, 503, 529], timeouts: false },
  vllm: { statuses: [429, 503], timeouts: true },
  sglang: { statuses: [429, 503], timeouts: true },
  'llama-server': { statuses: [429, 503], timeouts: true },
  triton: { statuses: [429, 503], timeouts: true },
  llama: { statuses: [], timeouts: true },
} as const satisfies Record<string, OverloadAnswers>;

export type BackEnd = keyof typeof overloadAnswers;

const timeoutStatuses: readonly (number | undefined)[] = [408, 504];

/** Whether what a call failed with says that the other side has too much to do. An open breaker's error does not: nobody was asked. */
export function saysOverload(error: unknown, { statuses, timeouts }: OverloadAnswers): boolean {
  const one = telling(error);
  if (one === undefined) return false;
  const status = isStreamError(one) ? one.status : statusOf(one);
  if (status !== undefined) return statuses.includes(status) || (timeouts && timeoutStatuses.includes(status));
  if (isStreamError(one)) return one.code === 'overloaded' || (timeouts && one.code === 'call_timeout');
  return timeouts && one.name === 'TimeoutError';
}
