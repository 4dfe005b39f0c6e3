import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Identity {
  /** Signs a certificate. */
  issue(options: IssueOptions): Identity;
}

export interface IssueOptions {
  /** The common name. */
  readonly name: string;
  /** Host names that it holds for. */
  readonly hosts?: readonly string[];
  /** The end of its validity. @defaultValue in an hour */
  readonly until?: Date;
  /** The key's passphrase. @defaultValue none */
  readonly passphrase?: string;
}

const hourMs = 3_600_000;

/** DER: a tag, a length, the content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const nameOf = (name: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
const timeOf = (date: Date): Buffer => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));
const extension = (id: string, content: Buffer): Buffer => sequence(oid(id), der(0x04, content));
const pem = (what: string, bytes: Buffer): string => `-----BEGIN ${what}-----\n${bytes.toString('base64')}\n-----END ${what}-----\n`;

/**
 * A certificate authority for tests: X.509 written by hand, since Node makes keys and signatures but no certificates, and
 * a tool of its own would have to be installed.
 */
export function certificateAuthority(name: string): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const certify = (subject: string, publicKey: typeof pair.publicKey, until: Date, extensions: readonly Buffer[]): string => {
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))), // X.509 version 3
      der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ecdsaWithSha256,
      nameOf(name),
      sequence(timeOf(new Date(until.getTime() - 24 * hourMs)), timeOf(until)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', body, pair.privateKey);
    return pem('CERTIFICATE', sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature)));
  };
  const inAnHour = new Date(Date.now() + hourMs);
  const isAuthority = extension('551d13', sequence(der(0x01, Buffer.from([255]))));
  return {
    cert: certify(name, pair.publicKey, inAnHour, [isAuthority]),
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    issue: ({ name: subject, hosts = [], until = inAnHour, passphrase }) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const names = extension('551d11', sequence(...hosts.map((host) => der(0x82, Buffer.from(host)))));
      const none = extension('551d13', sequence());
      const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
      return {
        cert: certify(subject, publicKey, until, hosts.length > 0 ? [names] : [none]),
        key: privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(),
      };
    },
  };
}
