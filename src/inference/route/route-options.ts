import { type OptionNames, requireBoolean, requireMethods, requireObject, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText } from '../../errors.ts';
import { retryBudget, type RetryBudget } from '../../policies/retry-budget.ts';
import type { TokenPrices } from '../../record/token-prices.ts';
import type { Resource } from '../../resource.ts';
import type { Model } from '../model.ts';
import type { RoutePolicy } from './balance.state.ts';
import type { HealthRules, MemberRules } from './member.state.ts';
import { mostTiers } from './pool.state.ts';

/** A model of a pool, and what is to be known of it. */
export interface RouteMember {
  readonly model: Resource<Model>;
  /** For metrics and messages, and what `prefix` is shared out by. Unlike any other in the pool. @defaultValue the resource's own, numbered where it is not alone */
  readonly name?: string;
  /** How much of the work it can take, compared with the others; more than 0. @defaultValue 1 */
  readonly weight?: number;
  /** 0 is asked first; the next when no model of the ones before can be asked. An integer from 0 to 99. Not beside lists, which are tiers. @defaultValue 0 */
  readonly tier?: number;
  /** Most calls at a time; at least 1. Further ones go to other models, those of later tiers too, and wait where there is none: better than in a queue that others do not see. @defaultValue none */
  readonly maxCalls?: number;
  /** For the policy `price`, which needs those of all; 0 for what is there anyway. */
  readonly prices?: TokenPrices;
  /** The pipeline starts without it if it cannot be opened; it is tried again, after 1 s at first and every minute at last. @defaultValue false */
  readonly optional?: boolean;
}

export interface RouteHedge {
  /** How long a model has to begin to answer before another is asked beside it, in ms; `'p95'`: as long as 95 of the last 100 took, once 40 have. */
  readonly afterMs: number | 'p95';
  /** Bounds second calls. @defaultValue retryBudget({ share: 0.05 }): 5 of 100 calls, and 10 in 10 s */
  readonly budget?: RetryBudget;
}

/** When a model is left alone, and for how long. */
export interface RouteHealth {
  /** Failures in a row; at least 1. An overload is enough by itself. @defaultValue 3 */
  readonly failures?: number;
  /** Longest time that it is left alone at first, in ms; doubles with each probe that fails. More than 0. @defaultValue 1,000 */
  readonly coolDownMs?: number;
  /** Longest time of all, in ms, Retry-After aside; at least `coolDownMs`. Short: a probe that fails costs no more than the way to the next model. @defaultValue 10,000 */
  readonly maxCoolDownMs?: number;
}

type Listed = Resource<Model> | RouteMember;

export interface RouteOptions {
  /** 1 to 100, each once. A list in the list is a tier: `[[a, b], c]` asks `c` when neither `a` nor `b` can be asked. */
  readonly models: readonly (Listed | readonly Listed[])[];
  /** Who of a tier gets a call. @defaultValue 'least-tokens' */
  readonly policy?: RoutePolicy;
  /** For messages and metrics. @defaultValue 'route' */
  readonly name?: string;
  readonly health?: RouteHealth;
  /** A second model beside one that is slow to answer. @defaultValue none */
  readonly hedge?: RouteHedge;
  /** A model that has not begun to answer after so many ms has failed, and the next is asked; more than 0. @defaultValue none */
  readonly answerWithinMs?: number;
}

/** With the defaults filled in. */
export interface MemberSpec {
  readonly resource: Resource<Model>;
  readonly rules: MemberRules;
  readonly optional: boolean;
}

export interface ResolvedRoute {
  readonly name: string;
  readonly members: readonly MemberSpec[];
  readonly policy: RoutePolicy;
  readonly health: HealthRules;
  readonly hedge: Required<RouteHedge> | undefined;
  readonly answerWithinMs: number | undefined;
}

const policies = ['least-tokens', 'round-robin', 'weighted', 'price', 'latency', 'prefix'] as const satisfies readonly RoutePolicy[];
const names: OptionNames<RouteOptions> = { models: true, policy: true, name: true, health: true, hedge: true, answerWithinMs: true };
const memberNames: OptionNames<RouteMember> = {
  ...{ model: true, name: true, weight: true, tier: true },
  ...{ maxCalls: true, prices: true, optional: true },
};
const healthNames: OptionNames<RouteHealth> = { failures: true, coolDownMs: true, maxCoolDownMs: true };
const hedgeNames: OptionNames<RouteHedge> = { afterMs: true, budget: true };
const mostMembers = 100;

/** @throws OptionError */
export function resolveRoute(options: RouteOptions): ResolvedRoute {
  requireOptions('route', options, names);
  const { policy = 'least-tokens', name = 'route', health = {}, hedge, answerWithinMs } = options;
  requireOneOf('route.policy', policy, policies);
  requireText('route.name', name);
  if (answerWithinMs !== undefined) requireNumber('route.answerWithinMs', answerWithinMs, Number.MIN_VALUE);
  const members = resolveMembers('route', options.models);
  const unpriced = members.find(({ rules }) => Number.isNaN(rules.inputPrice));
  if (policy === 'price' && unpriced)
    throw new OptionError(`route by price needs prices of each model: ${unpriced.rules.name} has none (0 for what is there anyway)`);
  return { name, members, policy, health: resolveHealth(health), hedge: hedge && resolveHedge(hedge), answerWithinMs };
}

/** The models of a pool, in order, each with a name of its own. @throws OptionError */
export function resolveMembers(of: string, given: RouteOptions['models']): readonly MemberSpec[] {
  if (!Array.isArray(given) || given.length === 0) throw new OptionError(`${of}.models must be a list of at least one model`);
  const isTiered = given.some(Array.isArray);
  const flat = given.flatMap((one: Listed | readonly Listed[], tier) =>
    isList(one) ? one.map((each) => ({ each, tier })) : [{ each: one, tier: isTiered ? tier : undefined }],
  );
  if (flat.length > mostMembers) throw new OptionError(`${of}.models must be at most ${String(mostMembers)}, got ${String(flat.length)}`);
  const taken = new Set<string>();
  const members = flat.map(({ each, tier }, index) => resolveMember(`${of}.models[${String(index)}]`, each, tier, taken));
  if (new Set(members.map(({ resource }) => resource)).size < members.length)
    throw new OptionError(`${of}.models must be given once each: use weight to give one of them more`);
  return members;
}

const isList = (one: Listed | readonly Listed[]): one is readonly Listed[] => Array.isArray(one);

function resolveMember(at: string, given: Listed, listTier: number | undefined, taken: Set<string>): MemberSpec {
  requireObject(at, given);
  const member: RouteMember = 'open' in given ? { model: given } : given;
  requireOptions(at, member, memberNames);
  const { model, weight = 1, tier = 0, maxCalls = Infinity, prices, optional = false } = member;
  requireMethods(`${at}.model`, model, ['open'], 'a model as a resource, as llama({ … }) is');
  requireNumber(`${at}.weight`, weight, Number.MIN_VALUE, 1e6);
  requireInteger(`${at}.tier`, tier, 0, Math.min(99, mostTiers));
  if (listTier !== undefined && member.tier !== undefined)
    throw new OptionError(`${at}.tier stands beside lists, which are the tiers: leave one of them out`);
  if (maxCalls !== Infinity) requireInteger(`${at}.maxCalls`, maxCalls, 1);
  if (prices !== undefined) requirePrices(`${at}.prices`, prices);
  requireBoolean(`${at}.optional`, optional);
  const { inputPerMillion = Number.NaN, outputPerMillion = Number.NaN } = prices ?? {};
  const name = nameFor(at, member, taken);
  const rules = { name, tier: listTier ?? tier, weight, maxCalls, inputPrice: inputPerMillion, outputPrice: outputPerMillion };
  return { resource: model, rules, optional };
}

function requirePrices(at: string, prices: TokenPrices): void {
  requireOptions<TokenPrices>(at, prices, { inputPerMillion: true, outputPerMillion: true, cachedPerMillion: true });
  requireNumber(`${at}.inputPerMillion`, prices.inputPerMillion, 0);
  requireNumber(`${at}.outputPerMillion`, prices.outputPerMillion, 0);
}

/** Two processes of one model have the same name by themselves. */
function nameFor(at: string, { name, model }: RouteMember, taken: Set<string>): string {
  if (name !== undefined) {
    requireText(`${at}.name`, name);
    if (taken.has(name)) throw new OptionError(`${at}.name must be unlike any other in the pool, got ${JSON.stringify(name)} twice`);
  }
  let free = name ?? model.name;
  for (let n = 2; taken.has(free); n += 1) free = `${model.name}-${String(n)}`;
  taken.add(free);
  return free;
}

function resolveHealth(given: RouteHealth): HealthRules {
  requireOptions('route.health', given, healthNames);
  const { failures = 3, coolDownMs = 1_000, maxCoolDownMs = Math.max(10_000, coolDownMs) } = given;
  requireInteger('route.health.failures', failures, 1);
  requireNumber('route.health.coolDownMs', coolDownMs, Number.MIN_VALUE);
  requireNumber('route.health.maxCoolDownMs', maxCoolDownMs, coolDownMs);
  return { failures, coolDownMs, maxCoolDownMs };
}

function resolveHedge(given: RouteHedge): Required<RouteHedge> {
  requireOptions('route.hedge', given, hedgeNames);
  const { afterMs, budget = retryBudget({ share: 0.05 }) } = given;
  if (afterMs !== 'p95') requireNumber("route.hedge.afterMs, unless 'p95',", afterMs, 0);
  requireMethods('route.hedge.budget', budget, ['called', 'take'], 'a retryBudget({ … })');
  return { afterMs, budget };
}
