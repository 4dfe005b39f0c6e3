import { whyForbidden } from '../../../src/tools/internal/web/address-policy.ts';
import type { WebNetwork } from '../../../src/tools/internal/web/web-network.ts';

/** A URL that must not be read with every public host allowed, and what its name resolves to, where it is asked. */
export interface ForbiddenUrl {
  readonly url: string;
  readonly addresses?: readonly string[];
}

/** Said of the last address where all of them passed the policy: a connection would follow, and an answer of 404 would look like a refusal. */
export const reached = 'REACHED';

/** Each name resolves to `addresses`, which the real policy judges; nothing is connected to. */
export function judgedNetwork(addresses: readonly string[] = ['93.184.215.14'], own?: ReadonlySet<string>): WebNetwork {
  let passed = 0;
  return {
    resolve: () => Promise.resolve(addresses),
    whyForbidden: (address) => {
      const why = own === undefined ? whyForbidden(address) : whyForbidden(address, own);
      if (why === undefined) passed += 1;
      return passed === addresses.length ? reached : why;
    },
  };
}

const plain = [
  // not the web
  ...[
    'file:///etc/passwd',
    'ftp://example.org/',
    'gopher://example.org:70/',
    'data:text/html,x',
    'javascript:alert(1)',
    'blob:https://example.org/1',
  ],
  ...['ws://example.org/', 'about:blank', 'view-source:http://example.org', 'unix:/run/docker.sock', '//example.org/', 'example.org', ''],
  // who is asked for is not who it seems
  ...['http://user@example.org/', 'http://user:secret@example.org/', 'http://example.org@127.0.0.1/', 'http://example.org%40127.0.0.1/'],
  ...[
    'http://example.org\\@127.0.0.1/',
    'http:\\\\127.0.0.1\\',
    'http://exa\nmple.org/',
    'http://example.org\t.internal/',
    'http://127.0.0.1#@example.org/',
  ],
  // addresses, however they are written
  ...[
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://017700000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.01/',
  ],
  ...[
    'http://127.0.0.1./',
    'http://①②⑦.⓪.⓪.①/',
    'http://127。0。0。1/',
    'http://%31%32%37.0.0.1/',
    'http://0/',
    'http://0.0.0.0/',
    'http://127.127.127.127/',
  ],
  ...[
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
  ],
  ...[
    'http://0xa9fea9fe/',
    'http://2852039166/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://8.8.8.8/',
  ],
  ...[
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[0:0:0:0:0:0:0:1]/',
  ],
  ...[
    'http://[fe80::1]/',
    'http://[fe80::1%25eth0]/',
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/',
    'http://[ff02::1]/',
    'http://[64:ff9b::7f00:1]/',
  ],
  ...[
    'http://[64:ff9b:1::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001:0:7f00:1::]/',
    'http://[2001:db8::1]/',
    'http://[2606:4700::1111]/',
  ],
  // names of this machine and its neighbours
  ...[
    'http://localhost/',
    'http://localhost./',
    'http://LOCALHOST/',
    'http://ⓛocalhost/',
    'http://a.localhost/',
    'http://localhost.localdomain/',
    'http://router/',
  ],
  ...[
    'http://printer.local/',
    'http://wiki.internal/',
    'http://metadata.google.internal/computeMetadata/v1/',
    'http://metadata/',
    'http://x.home.arpa/',
  ],
  // ports of other services
  ...[
    'http://example.org:22/',
    'http://example.org:6379/',
    'https://example.org:2375/',
    'http://example.org:65535/',
    'http://example.org:99999/',
  ],
];

const more = [
  // other schemes, and what is none
  ...[
    'HTTP+unix://%2Frun%2Fdocker.sock/info',
    'jar:http://example.org!/a',
    'feed:http://127.0.0.1/',
    'ldap://127.0.0.1/',
    'dict://127.0.0.1:11211/',
  ],
  ...[
    'http:/',
    'http://',
    'https:',
    'http://.',
    'http://../',
    'http://?',
    'http://#',
    'http:///etc/passwd',
    'http:127.0.0.1',
    '\u0000http://example.org/',
  ],
  // credentials and what looks so
  ...['http://:secret@example.org/', 'http://a:b@example.org:80/', 'http://example.org%2F@127.0.0.1/', 'http://[::1]@example.org/'],
  // forms of addresses
  ...[
    'http://0x7f.1/',
    'http://0x7f.0x0.0x0.0x1/',
    'http://0300.0250.1.1/',
    'http://3232235777/',
    'http://127.0.1/',
    'http://1/',
    'http://0x0a.1.2.3/',
  ],
  ...[
    'http://[::ffff:a9fe:a9fe]/',
    'http://[0:0:0:0:0:ffff:c0a8:0101]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[2002:a9fe:a9fe::1]/',
    'http://[fec0::1]/',
  ],
  ...['http://256.256.256.256/', 'http://127.0.0.1%00.example.org/', 'http://１２７.０.０.１/', 'http://169。254。169。254/'],
  // names
  ...[
    'http://localhost../',
    'http://sub.LOCALHOST./',
    'http://metadata.google/',
    'http://metadata.azure.com/',
    'http://metadata.tencentyun.com/',
    'http://instance-data/',
  ],
  ...[
    'http://kubernetes.default.svc.cluster.local/',
    'http://host.docker.internal/',
    'http://db.corp/',
    'http://nas.lan/',
    'http://a.onion/',
    'http://x.test/',
  ],
  // ports
  ...[
    'http://example.org:0/',
    'https://example.org:8443/',
    'http://example.org:00022/',
    'http://example.org:-80/',
    'http://example.org: 80/',
  ],
];

/** Names that look well and lead inside; each address must do it alone, and beside one that is public. */
const resolved = [
  ...[
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.0.10',
    '100.127.255.255',
    '169.254.169.254',
    '192.0.0.192',
    '192.0.2.5',
  ],
  ...[
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '192.88.99.1',
    '224.0.0.251',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
  ],
  ...[
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff05::2',
  ],
  ...[
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '2002:a00:1::1',
    '2001::1',
    '2001:10::1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '5f00::1',
    'nonsense',
  ],
  ...[
    '2606:4700:4700::1111%eth0',
    '2001:20::1',
    '2620:4f:8000::1',
    '::ffff:0:127.0.0.1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '4000::1',
    'e000::1',
  ],
  ...['192.31.196.1', '192.52.193.1', '192.175.48.1', '127.0.0.1 ', '0x7f000001', ''],
];

export const forbiddenUrls: readonly ForbiddenUrl[] = [
  ...[...plain, ...more].map((url) => ({ url })),
  ...resolved.flatMap((address) => [
    { url: 'https://inner.example.org/', addresses: [address] },
    { url: 'https://both.example.org/', addresses: ['93.184.215.14', address] },
  ]),
];

/** What must not be forbidden, or the list above shows nothing. */
export const publicAddresses = [
  ...[
    '93.184.215.14',
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '169.253.255.255',
    '192.167.255.255',
  ],
  ...['192.0.1.1', '198.17.255.255', '198.20.0.1', '223.255.255.255', '11.0.0.1', '9.255.255.255', '126.255.255.255', '128.0.0.1'],
  ...['2606:4700:4700::1111', '2001:4860:4860::8888', '2a00:1450:4001::1', '2003::1'],
];
