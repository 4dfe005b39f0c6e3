import { messageOf } from '../errors.ts';
import type { PolicyState, WatchedPolicy } from '../policies/policy-state.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** The policies among the opened resources of a pipeline, each under its name there. One that stands there twice is found once. */
export function watchedPolicies(resources: Readonly<Record<string, unknown>>): ReadonlyMap<string, WatchedPolicy> {
  const names = new Map<WatchedPolicy, string>();
  for (const [name, value] of Object.entries(resources)) if (isWatched(value) && !names.has(value)) names.set(value, name);
  return new Map([...names].map(([policy, name]) => [name, policy]));
}

/** How they stand. One that throws has nothing but that to tell: whoever looks must not be kept from seeing the others. */
export function policyStates(policies: ReadonlyMap<string, WatchedPolicy>, nowMs: number): readonly PolicyState[] {
  return [...policies].flatMap(([name, policy]): readonly PolicyState[] => {
    try {
      const { parts = [], ...whole } = policy.describe(nowMs);
      return [shown({ ...whole, name }), ...parts.map((part) => shown({ ...part, name: `${name}/${part.name}` }))];
    } catch (error) {
      return [shown({ name, kind: 'unknown', used: 0, limit: Infinity, waiting: 0, reason: `describe() threw: ${messageOf(error)}` })];
    }
  });
}

/** A reason may hold the words of a service, or of a client, that names its address with all that is in it. */
const shown = (state: PolicyState): PolicyState =>
  state.reason === undefined ? state : { ...state, reason: withoutSecrets(state.reason) };

/** They let go of what they hold only to be faster. One that throws keeps no other from it. */
export function shedAll(policies: ReadonlyMap<string, WatchedPolicy>): void {
  for (const policy of policies.values()) {
    try {
      policy.shed?.();
    } catch {
      // it has kept what it had; the next look tells whether that was too much
    }
  }
}

const isWatched = (value: unknown): value is WatchedPolicy =>
  typeof value === 'object' && value !== null && 'describe' in value && typeof value.describe === 'function';
