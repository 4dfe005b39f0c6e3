import { type Resource, sharedResource } from '../../resource.ts';
import type { Model } from '../model.ts';
import { openMembers } from './open-members.ts';
import { type RouteOptions, resolveRoute } from './route-options.ts';
import { type RoutedModel, routedModel } from './routed-model.ts';
import { closing, PoolDoor } from './pool-door.ts';
import { Router } from './router.ts';

export type { RoutePolicy } from './balance.state.ts';
export type { RouteHealth, RouteHedge, RouteMember, RouteOptions } from './route-options.ts';
export type { RoutedModel } from './routed-model.ts';

/**
 * Several models as one: in this process, on servers, or both. Each call goes to the one that the policy chooses among those that can do it and are well; if that fails
 * before it has answered, the next is asked at once, each at most once. Use it for a fleet, for a spare, or to send what a small model cannot to a large one.
 *
 * In: calls, as any model takes them. Out: the answer of one model; a stream that has emitted is never gone on with by another one: it fails, and
 * a retry with a restart marker may begin anew. To policies around it this is one call; budgets and counters are told of what all of its attempts used.
 * Holds an entry for each call that runs or waits (where models have `maxCalls`), about 30 numbers a model, 1,800 for `hedge: { afterMs: 'p95' }`.
 *
 * A model is left alone after `failures` in a row, or as soon as it asks for less (429, 503, 529: for as long as it says), or needs a person (a key that is refused); then
 * one call probes. Silence counts: a call that was given up after 5 s in which its model told nothing to anybody. Embeddings come from one
 * model, and those of its name: vectors of two cannot be compared. Tokens are counted by the first that is well.
 *
 * Ends: completes and fails as the model that answers; unsubscribing stops what runs. Where none can answer: `capability_missing`, `prompt_too_long`; `breaker_open` while
 * those who could are left alone (an overload: a retry waits, and counts no attempt), and what they need a person for where that is so of each; `model_unavailable` where one that is not open yet might; else the most telling of their errors.
 * Opening opens all, and fails with the reason of the first that cannot, unless that is `optional`; closing closes all.
 * @throws OptionError for options out of range, at the call.
 * @see Finagle's and Envoy's load balancers; "Consistent Hashing with Bounded Loads".
 */
export function route(options: RouteOptions): Resource<RoutedModel> {
  const resolved = resolveRoute(options);
  const { name, members } = resolved;
  return sharedResource(name, async (context) => {
    const router = new Router(resolved, context.log);
    const joined = (index: number, model: Model): void => {
      router.join(index, model, context.clock);
    };
    const close = await openMembers(members, context, { pool: name, joined });
    const door = new PoolDoor(name);
    return { value: routedModel(name, router, door), close: closing(door, close) };
  });
}
