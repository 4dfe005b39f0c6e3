import type { PolicyState } from '../../policies/policy-state.ts';
import type { MemberState } from './member.state.ts';
import type { Router } from './router.ts';

const why = {
  out: 'every model of the pool is left alone for its failures',
  one: 'the model is left alone for its failures',
  full: 'every model that can do it has as many calls as it may',
} as const;

/** How a pool and each of its models stands. */
export function describedPool(name: string, { pool, counts, waiting }: Router, nowMs: number): PolicyState {
  const parts = pool.members.map((one) => describedMember(one, nowMs));
  const open = pool.members.filter(({ isOpen }) => isOpen);
  const out = open.filter((one) => one.health(nowMs) === 'open');
  const isOut = out.length === open.length;
  return {
    name,
    kind: 'route',
    used: parts.reduce((sum, { used }) => sum + used, 0),
    limit: Infinity,
    waiting,
    ...(waiting > 0 ? { reason: why.full } : {}),
    ...(isOut && open.length > 0 ? { pausedUntilMs: Math.min(...out.map(({ untilMs }) => untilMs)), reason: why.out } : {}),
    numbers: {
      calls_total: counts.calls,
      failovers_total: counts.failovers,
      hedges_total: counts.hedges,
      open_models: open.length,
      healthy_models: open.length - out.length,
    },
    parts,
  };
}

const degreeOf = { closed: 0, 'half-open': 1, open: 2 } as const;

function describedMember(one: MemberState, nowMs: number): PolicyState {
  const { rules, running, outstanding, isOpen, calls, failures, coolDowns } = one;
  const health = one.health(nowMs);
  return {
    name: rules.name,
    kind: 'route-model',
    used: running,
    limit: rules.maxCalls,
    waiting: 0,
    ...(health === 'open' ? { pausedUntilMs: one.untilMs, reason: why.one } : {}),
    ...(isOpen ? {} : { reason: 'the model could not be opened yet' }),
    numbers: {
      outstanding_tokens: outstanding,
      calls_total: calls,
      failures_total: failures,
      cool_downs_total: coolDowns,
      open_degree: degreeOf[health],
      latency_ms: one.latencyMs(nowMs),
      tier: rules.tier,
      weight: rules.weight,
    },
  };
}
