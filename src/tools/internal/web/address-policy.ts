import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

type Range = readonly [address: string, bits: number, what: string];

/** What IANA keeps for special purposes in IPv4 (RFC 6890 and its registry), and what clouds have put among public addresses. */
const forbiddenV4: readonly Range[] = [
  ['0.0.0.0', 8, 'this network'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared by a carrier (CGNAT)'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local, where clouds tell secrets'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved for protocols'],
  ['192.0.2.0', 24, 'for documentation'],
  ['192.31.196.0', 24, 'reserved (AS112)'],
  ['192.52.193.0', 24, 'reserved (AMT)'],
  ['192.88.99.0', 24, 'reserved (6to4 relays)'],
  ['192.168.0.0', 16, 'private'],
  ['192.175.48.0', 24, 'reserved (AS112)'],
  ['198.18.0.0', 15, 'for benchmarks'],
  ['198.51.100.0', 24, 'for documentation'],
  ['203.0.113.0', 24, 'for documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
  ['168.63.129.16', 32, 'a service of the Azure host'],
];

/** Of IPv6 only global unicast is public (2000::/3); these parts of it are not, and those that carry an IPv4 address could carry any. */
const forbiddenV6: readonly Range[] = [
  ['2001::', 23, 'reserved for protocols (Teredo, ORCHID and others)'],
  ['2001:db8::', 32, 'for documentation'],
  ['2002::', 16, 'an IPv4 address in another form (6to4)'],
  ['2620:4f:8000::', 48, 'reserved (AS112)'],
  ['3fff::', 20, 'for documentation'],
];

const asList = (range: Range, family: 'ipv4' | 'ipv6'): readonly [BlockList, string] => {
  const list = new BlockList();
  list.addSubnet(range[0], range[1], family);
  return [list, range[2]];
};
const v4 = forbiddenV4.map((range) => asList(range, 'ipv4'));
const v6 = forbiddenV6.map((range) => asList(range, 'ipv6'));
const [globalUnicast] = asList(['2000::', 3, ''], 'ipv6');

/** The addresses of this machine: what listens here for itself alone must not be reached by a name from outside. */
const ownAddresses = (): ReadonlySet<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));

/**
 * Why nothing of a stranger's choosing may connect to `address`; undefined where it is public. In IPv6 whatever is not global unicast is forbidden, and with it loopback, unique local, link-local, multicast, mapped IPv4, NAT64.
 * @param own the machine's own addresses, which may be public
 */
export function whyForbidden(address: string, own: ReadonlySet<string> = ownAddresses()): string | undefined {
  const family = isIP(address);
  if (family === 0) return 'no IP address';
  if (own.has(address)) return "one of this machine's own";
  if (family === 4) return v4.find(([list]) => list.check(address, 'ipv4'))?.[1];
  if (address.includes('%')) return 'link-local';
  if (!globalUnicast.check(address, 'ipv6')) return 'not public (loopback, private, link-local, multicast, or IPv4 in another form)';
  return v6.find(([list]) => list.check(address, 'ipv6'))?.[1];
}
