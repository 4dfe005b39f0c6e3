import { OptionError } from '../errors.ts';
import type { Arrival } from '../record/part.ts';
import type { Resource } from '../resource.ts';
import { jobFacts } from './internal/job-facts.ts';
import { resolveSchedule, type ScheduledRecord, type ScheduleOptions } from './internal/schedule-options.ts';
import type { WatchedPolicy } from './policy-state.ts';
import { type JobFacts, ScheduleState } from './schedule.state.ts';

export type {
  ClassOptions,
  PrefixOptions,
  ScheduledRecord,
  ScheduleOptions,
  ServiceClass,
  TenantOptions,
} from './internal/schedule-options.ts';

/** One operator's use of a schedule. */
export interface ScheduleUse<W> {
  readonly state: ScheduleState<W>;
  /** A call was sent back. */
  preempted(): void;
  /** The operator has ended. */
  end(): void;
}

/** An order of work; `mapConcurrent` obeys it. */
export interface Schedule<in T> extends WatchedPolicy {
  readonly preempts: boolean;
  /** @throws whatever a function of the options throws, or a TypeError for a result that is out of range */
  factsOf(value: T, record: ScheduledRecord, arrival: Arrival): JobFacts;
  /** @throws OptionError when as many places are held back as there are. */
  requirePlaces(places: number): void;
  use<W>(places: number): ScheduleUse<W>;
}

/**
 * Which of the records that wait for a call starts next: first by class, then by tenant, then in an order, then by what their prompts
 * share with what runs. Give it to `mapConcurrent`; the value works at once, and is a resource of itself. Each operator that is given
 * it has a queue of its own, so shares and places are counted for each apart.
 *
 * Bounds on waiting, none of which depends on how much comes: within a tenant no record is passed by one that came more than
 * `patienceMs` (with `prefix`, and `slackMs`) after it; between tenants that wait, costs by weight differ by at most an average and a
 * largest call (by weight) of each; a class is passed over at most `mostPassed` times, and once more for another one that was. Records of
 * one key keep their order: only the first of a key is ever here.
 *
 * Holds an entry for each record that waits or runs, and for each tenant with such records or debts. A record costs O(log n).
 * @throws OptionError for an option outside its range, or without its partner.
 * @see shortest job first with ageing; earliest deadline first (Liu and Layland); deficit round robin (Shreedhar and Varghese)
 */
export function schedule<T = unknown>(options: ScheduleOptions<T> = {}): Schedule<T> & Resource<Schedule<T>> {
  const resolved = resolveSchedule(options);
  const { heldBack, mostPassed, prefixSlackMs } = resolved;
  const uses = new Map<object, { readonly state: ScheduleState<never>; readonly places: number }>();
  let preempted = 0;
  const sum = (of: (state: ScheduleState<never>, places: number) => number): number =>
    [...uses.values()].reduce((all, { state, places }) => all + of(state, places), 0);
  const self: Schedule<T> & Resource<Schedule<T>> = {
    name: 'schedule',
    preempts: resolved.preempt,
    factsOf: (value, record, arrival) => jobFacts(resolved, value, record, arrival),
    requirePlaces: (places) => {
      const all = heldBack.reduce((a, b) => a + b, 0);
      if (all < places) return;
      throw new OptionError(`schedule.classes.heldBack must leave a place of concurrency (${String(places)}) to all, got ${String(all)}`);
    },
    use: <W>(places: number): ScheduleUse<W> => {
      const state = new ScheduleState<W>({ places, heldBack, mostPassed, prefixSlackMs });
      const own = {};
      uses.set(own, { state: state as never, places });
      return { state, preempted: () => void (preempted += 1), end: () => void uses.delete(own) };
    },
    describe: () => ({
      name: 'schedule',
      kind: 'schedule',
      used: sum(({ running }) => running),
      limit: sum((_state, places) => places),
      waiting: sum(({ waiting }) => waiting),
      numbers: { preempted_calls: preempted, waiting_tenants: sum(({ tenants }) => tenants) },
    }),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}
