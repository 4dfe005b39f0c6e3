import type { Arrival } from '../../record/part.ts';
import type { JobFacts } from '../schedule.state.ts';
import { type ServiceClass, serviceClasses } from './class-turns.state.ts';
import { prefixesOf } from './running-prefixes.state.ts';
import type { ResolvedSchedule, ScheduledRecord } from './schedule-options.ts';

/**
 * A record as its schedule sees it when it comes. Its place in the order is a time, the same whenever it is asked for: when it entered the
 * window, so that what waited behind another of its key is not last again, and how long it lets others pass. So ageing costs nothing, and nothing waits longer for what comes after it than its patience.
 * @throws TypeError for what is no number, or none of the classes; and whatever the user's functions throw.
 */
export function jobFacts<T>(options: ResolvedSchedule<T>, value: T, record: ScheduledRecord, { takenMs, number }: Arrival): JobFacts {
  const { order, patienceMs, msPerToken, msPerPriority, tokensOf, priorityOf, deadlineOf, classOf, tenantOf, weights, prefixOf } = options;
  const tokens = tokensOf(value, record);
  if (!(tokens >= 0 && tokens < Infinity)) throw new TypeError(`tokensOf must return a number >= 0, got ${String(tokens)}`);
  const priority = order === 'priority' ? numberOf('priorityOf', priorityOf(value, record)) : 0;
  const passableMs = {
    fifo: () => 0,
    shortest: () => tokens * msPerToken,
    priority: () => patienceMs / 2 - priority * msPerPriority,
    deadline: () => numberOf('deadlineOf', deadlineOf(value, record)) - takenMs,
  }[order]();
  const tenant = tenantOf(value, record);
  const prompt = prefixOf?.(value) ?? '';
  return {
    rank: rankOf(classOf(value, record)),
    tenant,
    weight: weights.get(tenant) ?? 1,
    tokens,
    arrival: number,
    passableUntilMs: takenMs + clamp(passableMs, patienceMs),
    priority,
    prefixes: prefixOf === undefined ? [] : prefixesOf(prompt),
  };
}

const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);

function numberOf(name: string, value: number): number {
  if (Number.isNaN(value) || typeof value !== 'number') throw new TypeError(`${name} must return a number, got ${String(value)}`);
  return value;
}

function rankOf(name: ServiceClass): number {
  const rank = serviceClasses.indexOf(name);
  if (rank < 0) throw new TypeError(`classes.of must return one of ${serviceClasses.join(', ')}, got ${JSON.stringify(name)}`);
  return rank;
}
