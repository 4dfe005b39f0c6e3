import { systemClock } from '../../clock.ts';
import { protocolTypeOf } from './kafka-errors.ts';

/** kafkajs's `Connection`, as far as it logs in. */
export interface ConnectionInternals {
  /** Made anew by each login; null before the first. */
  readonly authenticatedAt: object | null;
  isAuthenticated: (this: ConnectionInternals) => boolean;
}

/** kafkajs's `BrokerPool`. */
export interface BrokerPoolInternals {
  withBroker: <T>(this: BrokerPoolInternals, ask: (broker: unknown) => Promise<T>) => Promise<T | undefined>;
}

const nextLoginMs = 1_100; // brokers refuse a second login on a connection within one second

/**
 * kafkajs logs in anew from 10 s before a login ends on. For one that lasts less than that (a token that has nearly run
 * out) this means at each request, which the broker refuses, and that looks like a listener without logins.
 */
export function patchLogin(prototype: ConnectionInternals): void {
  const { isAuthenticated } = prototype;
  const logins = new WeakMap<object, number>();
  prototype.isAuthenticated = function () {
    if (this.authenticatedAt === null) return false;
    const nowMs = systemClock.nowMs();
    const sinceMs = logins.get(this.authenticatedAt) ?? nowMs; // from the first request that asks
    logins.set(this.authenticatedAt, sinceMs);
    return nowMs - sinceMs < nextLoginMs || isAuthenticated.call(this);
  };
}

/** kafkajs asks one broker after the other for a coordinator, and takes "you may not know" for "nobody knows": worth a try for ever. */
export function patchRefusals(prototype: BrokerPoolInternals): void {
  const { withBroker } = prototype;
  prototype.withBroker = async function <T>(ask: (broker: unknown) => Promise<T>) {
    let refusal: Error | undefined;
    const answer = await withBroker.call(this, async (broker) => {
      try {
        return await ask(broker);
      } catch (error) {
        if (error instanceof Error && protocolTypeOf(error)?.endsWith('_AUTHORIZATION_FAILED') === true) refusal = error;
        throw error;
      }
    });
    if (refusal && (answer ?? undefined) === undefined) throw refusal;
    return answer as T | undefined;
  };
}
