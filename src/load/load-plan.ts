import { OptionError, requireInteger, requireNumber, requireOneOf } from '../errors.ts';
import { type Target, type TargetKind, targetKinds, targetOf } from './target-kind.ts';

/** What may be told of a run, by flags or in a file. Times are texts such as `30s`, or numbers of seconds. */
export interface LoadOptions {
  readonly url?: string | undefined;
  /** @defaultValue auto: by the path */
  readonly kind?: string | undefined;
  /** @defaultValue POST */
  readonly method?: string | undefined;
  /** @defaultValue the first that `/v1/models` names */
  readonly model?: string | undefined;
  readonly apiKeyEnv?: string | undefined;
  readonly mode?: string | undefined;
  /** Each has one task at a time. @defaultValue users, else 5 */
  readonly queues?: number | undefined;
  /** Tasks of each queue. @defaultValue 20 */
  readonly loops?: number | undefined;
  /** Tasks in all, instead of loops. */
  readonly tasks?: number | undefined;
  readonly duration?: string | number | undefined;
  /** `10/s`, `600/min`, or a number a second: tasks begin by themselves, whatever became of those before. */
  readonly rate?: string | number | undefined;
  /** Of an open loop: so many at once at most. @defaultValue 1000 */
  readonly maxOpen?: number | undefined;
  readonly users?: number | undefined;
  readonly prompts?: string | undefined;
  /** @defaultValue 128 */
  readonly maxTokens?: number | undefined;
  /** Members of each request besides; from a file alone. */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  /** @defaultValue 0 */
  readonly seed?: number | undefined;
  /** Tasks, or a time as `10s`, that come before and do not count. @defaultValue none */
  readonly warmUp?: string | number | undefined;
  /** Of one request. @defaultValue 2 min */
  readonly timeout?: string | number | undefined;
}

/** When a phase takes no more tasks. */
export type Limit =
  | { readonly by: 'tasks'; readonly tasks: number }
  | { readonly by: 'loops'; readonly loops: number }
  | { readonly by: 'time'; readonly durationMs: number };

/** How tasks begin: each queue when its last one has ended, or all by themselves at times of their own. */
export type Shape =
  | { readonly loop: 'closed'; readonly queues: number; readonly queueIsUser: boolean }
  | { readonly loop: 'open'; readonly perSecond: number; readonly maxOpen: number };

/** A run as it will be: checked, and with all defaults. */
export interface LoadPlan {
  readonly target: Target;
  readonly method: 'GET' | 'POST';
  readonly model: string | undefined;
  readonly shape: Shape;
  readonly limit: Limit;
  readonly warmUp: Limit | undefined;
  readonly users: number | undefined;
  readonly maxTokens: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly timeoutMs: number;
}

const defaults = { queues: 5, loops: 20, maxOpen: 1_000, maxTokens: 128, seed: 0, timeoutMs: 120_000 } as const;
const most = { queues: 10_000, timeoutMs: 3_600_000, durationMs: 30 * 86_400_000, perSecond: 100_000 } as const;

/** @throws OptionError for what is missing, out of range or contradicts itself. */
export function loadPlan(options: LoadOptions): LoadPlan {
  const { maxTokens = defaults.maxTokens, seed = defaults.seed, users, method = 'POST', model, body = {} } = options;
  requireInteger('max-tokens', maxTokens, 1);
  requireInteger('seed', seed, 0);
  if (users !== undefined) requireInteger('users', users, 1, 1_000_000);
  requireOneOf('method', method, ['GET', 'POST']);
  const timeoutMs = options.timeout === undefined ? defaults.timeoutMs : lengthMs('timeout', options.timeout, 1, most.timeoutMs);
  const shape = shapeOf(options);
  const limit = limitOf(options, shape);
  const warmUp = warmUpOf(options.warmUp);
  return { target: checkedTarget(options), method, model, shape, limit, warmUp, users, maxTokens, body, seed, timeoutMs };
}

function checkedTarget({ url, kind = 'auto' }: LoadOptions): Target {
  if (url === undefined) throw new OptionError('there is nothing to press: give --url http://host:port/path, or target-url in the file');
  requireOneOf<TargetKind | 'auto'>('kind', kind, ['auto', ...targetKinds]);
  const parsed = URL.parse(/^[\w.-]+(:\d+)?(\/|$)/.test(url) ? `http://${url}` : url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new OptionError(
      `url must be an address such as http://127.0.0.1:8080/v1/chat/completions, got ${JSON.stringify(url.replace(/^.*@/, '…@'))}`,
    );
  try {
    decodeURIComponent(`${parsed.username}:${parsed.password}`);
  } catch (error) {
    throw new OptionError('url has a user or a password in which a % stands alone: write %25 for it', { cause: error });
  }
  return targetOf(parsed, kind);
}

function shapeOf({ rate, queues, loops, users, maxOpen }: LoadOptions): Shape {
  if (maxOpen !== undefined) requireInteger('max-open', maxOpen, 1, most.queues);
  if (rate !== undefined) {
    if (queues !== undefined || loops !== undefined)
      throw new OptionError('rate is an open loop, which has no queues and loops: give rate, or queues and loops');
    return { loop: 'open', perSecond: perSecondOf(rate), maxOpen: maxOpen ?? defaults.maxOpen };
  }
  if (maxOpen !== undefined) throw new OptionError('max-open is for an open loop: give rate, or queues in place of max-open');
  const count = queues ?? users ?? defaults.queues;
  requireInteger(queues === undefined ? 'users without queues' : 'queues', count, 1, most.queues);
  return { loop: 'closed', queues: count, queueIsUser: queues === undefined && users !== undefined };
}

function limitOf({ mode, tasks, loops, duration }: LoadOptions, { loop }: Shape): Limit {
  const found = mode?.toLowerCase() ?? (duration !== undefined && tasks === undefined && loops === undefined ? 'duration' : 'count');
  requireOneOf('mode', found, ['count', 'duration']);
  if (found === 'duration') {
    if (duration === undefined) throw new OptionError('mode duration needs a duration, such as 60s');
    return { by: 'time', durationMs: lengthMs('duration', duration, 1, most.durationMs) };
  }
  if (mode === undefined && duration !== undefined)
    throw new OptionError('a duration, and a number of tasks: say which ends the run, mode count or mode duration');
  if (tasks !== undefined && loops !== undefined) throw new OptionError('tasks are all tasks, loops those of each queue: give one of them');
  if (tasks !== undefined) {
    requireInteger('tasks', tasks, 1);
    return { by: 'tasks', tasks };
  }
  if (loop === 'open') throw new OptionError('rate alone has no end: give tasks, or a duration');
  const count = loops ?? defaults.loops;
  requireInteger('loops', count, 1);
  return { by: 'loops', loops: count };
}

function warmUpOf(given: string | number | undefined): Limit | undefined {
  if (given === undefined || given === 0 || given === '0') return undefined;
  const count = Number(given);
  if (!Number.isNaN(count)) {
    requireInteger('warm-up', count, 1);
    return { by: 'tasks', tasks: count };
  }
  return { by: 'time', durationMs: lengthMs('warm-up', given, 1, most.durationMs) };
}

const unitMs = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 } as const;

/** `90s`, `1.5m`, `500ms`; a number alone is seconds. */
function lengthMs(name: string, given: string | number, least: number, atMost: number): number {
  const [, count, unit = 's'] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?\s*$/.exec(String(given)) ?? [];
  if (count === undefined) throw new OptionError(`${name} must be a time such as 30s, 5m or 500ms, got ${JSON.stringify(given)}`);
  const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
  requireNumber(`${name} in ms`, ms, least, atMost);
  return ms;
}

const perUnit = { s: 1, sec: 1, m: 60, min: 60, h: 3_600 } as const;

function perSecondOf(given: string | number): number {
  const [, count, unit = 's'] = /^\s*(\d+(?:\.\d+)?)\s*(?:\/\s*(s|sec|m|min|h))?\s*$/.exec(String(given)) ?? [];
  if (count === undefined) throw new OptionError(`rate must be tasks in a time, such as 10/s or 600/min, got ${JSON.stringify(given)}`);
  const perSecond = Number(count) / perUnit[unit as keyof typeof perUnit];
  requireNumber('rate a second', perSecond, Number.MIN_VALUE, most.perSecond);
  return perSecond;
}
