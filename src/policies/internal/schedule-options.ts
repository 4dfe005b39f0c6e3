import { type OptionNames, requireBoolean, requireFunction, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf } from '../../errors.ts';
import type { Envelope } from '../../record/envelope.ts';
import { type ServiceClass, serviceClasses } from './class-turns.state.ts';

export type { ServiceClass } from './class-turns.state.ts';

/** What a schedule may know of a record beside its value. */
export type ScheduledRecord = Pick<Envelope<unknown, unknown>, 'key' | 'headers' | 'timestampMs' | 'position' | 'context' | 'deadlineMs'>;

export interface ScheduleOptions<T> {
  /**
   * Of one tenant's records, which goes first: the one that came first; the one with the fewest tokens; the most urgent one; the one
   * whose deadline is the nearest. @defaultValue 'fifo'
   */
  readonly order?: 'fifo' | 'shortest' | 'priority' | 'deadline';
  /** Most time for which a record lets others pass that came later, in ms; at least 0. What 'fifo' has no use for. @defaultValue 60,000 */
  readonly patienceMs?: number;
  /** What a call costs, prompt and answer; a number >= 0. Needed for 'shortest'; with `tenants` shares are measured in it. @defaultValue 1 */
  readonly tokensOf?: (value: T, record: ScheduledRecord) => number;
  /** For 'shortest': how long each token lets others pass, in ms; above 0. At most `patienceMs` in all. @defaultValue 10 */
  readonly msPerToken?: number;
  /** The higher, the more urgent. @defaultValue that of the record's context, else 0 */
  readonly priorityOf?: (value: T, record: ScheduledRecord) => number;
  /**
   * For 'priority': how much longer each step below lets others pass, in ms; above 0. One of priority 0 lets them pass for half of
   * `patienceMs`; what would be less than none, or more than `patienceMs`, is that. @defaultValue 10,000
   */
  readonly msPerPriority?: number;
  /** In the clock's milliseconds since 1970. @defaultValue the record's own deadline */
  readonly deadlineOf?: (value: T, record: ScheduledRecord) => number;
  /**
   * With 'priority': a record that comes when no place is free takes that of the least urgent running call, if it is more urgent. That
   * call is aborted and waits again, at most once for each record, only before the first piece of its answer and before an attempt of it
   * has failed; it counts as no attempt. @defaultValue false
   */
  readonly preempt?: boolean;
  /** Classes go before everything else. @defaultValue one class */
  readonly classes?: ClassOptions<T>;
  /** Tenants share within their class. @defaultValue one tenant */
  readonly tenants?: TenantOptions<T>;
  /** Of records that are about equal, the one goes first whose prompt begins as one that runs. @defaultValue that does not matter */
  readonly prefix?: PrefixOptions<T>;
}

export interface ClassOptions<T> {
  readonly of: (value: T, record: ScheduledRecord) => ServiceClass;
  /** Places of `concurrency` that lower classes never take, so that higher ones find them free. @defaultValue 0 */
  readonly heldBack?: { readonly interactive?: number; readonly standard?: number };
  /** How often a class that waits is passed over before a higher one lets it go; at least 1. @defaultValue 16 */
  readonly mostPassed?: number;
}

export interface TenantOptions<T> {
  /** @defaultValue that of the record's context, else its topic */
  readonly of?: (value: T, record: ScheduledRecord) => string;
  /** Shares by tenant, each above 0. @defaultValue 1 each */
  readonly weights?: Readonly<Record<string, number>>;
}

export interface PrefixOptions<T> {
  readonly of: (value: T) => string;
  /** How much later a record's turn may be that goes first for its prefix, in ms; at least 0. @defaultValue 1,000 */
  readonly slackMs?: number;
}

/** All of them present, and checked. */
export interface ResolvedSchedule<T> {
  readonly order: 'fifo' | 'shortest' | 'priority' | 'deadline';
  readonly patienceMs: number;
  readonly tokensOf: (value: T, record: ScheduledRecord) => number;
  readonly msPerToken: number;
  readonly msPerPriority: number;
  readonly priorityOf: (value: T, record: ScheduledRecord) => number;
  readonly deadlineOf: (value: T, record: ScheduledRecord) => number;
  readonly preempt: boolean;
  readonly classOf: (value: T, record: ScheduledRecord) => ServiceClass;
  /** By rank. */
  readonly heldBack: readonly number[];
  readonly mostPassed: number;
  readonly tenantOf: (value: T, record: ScheduledRecord) => string;
  readonly weights: ReadonlyMap<string, number>;
  readonly prefixOf: ((value: T) => string) | undefined;
  readonly prefixSlackMs: number;
}

const names: OptionNames<ScheduleOptions<unknown>> = {
  order: true,
  patienceMs: true,
  tokensOf: true,
  msPerToken: true,
  priorityOf: true,
  msPerPriority: true,
  deadlineOf: true,
  preempt: true,
  classes: true,
  tenants: true,
  prefix: true,
};
const classNames: OptionNames<ClassOptions<unknown>> = { of: true, heldBack: true, mostPassed: true };
const heldNames: OptionNames<NonNullable<ClassOptions<unknown>['heldBack']>> = { interactive: true, standard: true };
const tenantNames: OptionNames<TenantOptions<unknown>> = { of: true, weights: true };
const prefixNames: OptionNames<PrefixOptions<unknown>> = { of: true, slackMs: true };

/** @throws OptionError for an option outside its range, or without its partner. */
export function resolveSchedule<T>(options: ScheduleOptions<T>): ResolvedSchedule<T> {
  requireOptions<ScheduleOptions<T>>('schedule', options, names);
  const { order = 'fifo', patienceMs = 60_000, msPerToken = 10, msPerPriority = 10_000, preempt = false } = options;
  requireOneOf('schedule.order', order, ['fifo', 'shortest', 'priority', 'deadline']);
  requireNumber('schedule.patienceMs', patienceMs, 0);
  requireAboveZero('schedule.msPerToken', msPerToken);
  requireAboveZero('schedule.msPerPriority', msPerPriority);
  requireBoolean('schedule.preempt', preempt);
  if (options.msPerToken !== undefined && order !== 'shortest')
    throw new OptionError(`schedule.msPerToken needs order 'shortest', got '${order}'`);
  if (options.msPerPriority !== undefined && order !== 'priority')
    throw new OptionError(`schedule.msPerPriority needs order 'priority', got '${order}'`);
  if (preempt && order !== 'priority') throw new OptionError(`schedule.preempt needs order 'priority', got '${order}'`);
  if (order === 'shortest' && options.tokensOf === undefined) throw new OptionError("schedule needs tokensOf for order 'shortest'");
  const { tokensOf = () => 1, priorityOf = ownPriority, deadlineOf = ownDeadline } = options;
  for (const [name, given] of Object.entries({ tokensOf, priorityOf, deadlineOf }))
    requireFunction(`schedule.${name}`, given, '(value, record) => number');
  return {
    ...{ order, patienceMs, msPerToken, msPerPriority, preempt, tokensOf, priorityOf, deadlineOf },
    ...resolveClasses(options.classes),
    ...resolveTenants(options.tenants),
    ...resolvePrefix(options.prefix),
  };
}

function resolveClasses<T>(given: ClassOptions<T> | undefined): Pick<ResolvedSchedule<T>, 'classOf' | 'heldBack' | 'mostPassed'> {
  if (given === undefined) return { classOf: () => 'interactive', heldBack: serviceClasses.map(() => 0), mostPassed: 1 };
  requireOptions<ClassOptions<T>>('schedule.classes', given, classNames);
  const { of, heldBack = {}, mostPassed = 16 } = given;
  requireFunction('schedule.classes.of', of, "(value, record) => 'interactive', 'standard' or 'batch'");
  requireOptions('schedule.classes.heldBack', heldBack, heldNames);
  const { interactive = 0, standard = 0 } = heldBack;
  requireInteger('schedule.classes.heldBack.interactive', interactive, 0);
  requireInteger('schedule.classes.heldBack.standard', standard, 0);
  requireInteger('schedule.classes.mostPassed', mostPassed, 1);
  return { classOf: of, heldBack: [interactive, standard, 0], mostPassed };
}

function resolveTenants<T>(given: TenantOptions<T> | undefined): Pick<ResolvedSchedule<T>, 'tenantOf' | 'weights'> {
  if (given === undefined) return { tenantOf: () => '', weights: new Map() };
  requireOptions<TenantOptions<T>>('schedule.tenants', given, tenantNames);
  const { of = ownTenant, weights = {} } = given;
  requireFunction('schedule.tenants.of', of, '(value, record) => string');
  for (const [tenant, weight] of Object.entries(weights)) requireAboveZero(`schedule.tenants.weights.${tenant}`, weight);
  return { tenantOf: of, weights: new Map(Object.entries(weights)) };
}

function resolvePrefix<T>(given: PrefixOptions<T> | undefined): Pick<ResolvedSchedule<T>, 'prefixOf' | 'prefixSlackMs'> {
  if (given === undefined) return { prefixOf: undefined, prefixSlackMs: 0 };
  requireOptions<PrefixOptions<T>>('schedule.prefix', given, prefixNames);
  const { of, slackMs = 1_000 } = given;
  requireFunction('schedule.prefix.of', of, '(value) => string');
  requireNumber('schedule.prefix.slackMs', slackMs, 0);
  return { prefixOf: of, prefixSlackMs: slackMs };
}

function requireAboveZero(name: string, value: number): void {
  requireNumber(name, value, 0);
  if (value === 0) throw new OptionError(`${name} must be above 0, got 0`);
}

const ownPriority = (_value: unknown, { context }: ScheduledRecord): number => context.priority ?? 0;

const ownTenant = (_value: unknown, { context, position }: ScheduledRecord): string => context.tenant ?? position.topic;

const ownDeadline = (_value: unknown, { deadlineMs }: ScheduledRecord): number => deadlineMs;
