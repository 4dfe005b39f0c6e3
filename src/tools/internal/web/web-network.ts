import { lookup } from 'node:dns/promises';
import { whyForbidden } from './address-policy.ts';

/** How names become addresses, and which of those may be connected to. */
export interface WebNetwork {
  /** All addresses of a host's name. */
  resolve(host: string): Promise<readonly string[]>;
  /** Why there must be no connection to an address; undefined where there may. */
  whyForbidden(address: string): string | undefined;
}

/** As this machine resolves names, its hosts file included; public addresses alone. */
export const publicNetwork: WebNetwork = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  whyForbidden: (address) => whyForbidden(address),
};

/** For hosts that a configuration names, never a model: this machine's and its neighbours' included. */
export const anyAddress: WebNetwork = { ...publicNetwork, whyForbidden: () => undefined };
