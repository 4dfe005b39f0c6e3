import { createHash, timingSafeEqual } from 'node:crypto';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireText } from '../errors.ts';

/** Who may use the service, and how much of it. */
export interface ServiceKey {
  /** For logs, metrics and fair sharing; unlike any other. */
  readonly name: string;
  /** What stands behind `Bearer`: at least 16 characters, never shown. */
  readonly key: string;
  /** Its share against the others'; above 0. @defaultValue 1 */
  readonly weight?: number;
  /** Most requests that run or wait at a time; at least 1. @defaultValue no bound of its own */
  readonly maxOpen?: number;
  /** Most requests in any minute; at least 1. @defaultValue no bound of its own */
  readonly requestsPerMinute?: number;
  /** Most tokens in any minute, prompts and answers together; at least 1. A request counts as the most that it may use until it has ended. @defaultValue no bound of its own */
  readonly tokensPerMinute?: number;
}

/** Who asks, as far as that matters. */
export interface Caller {
  readonly name: string;
  readonly weight: number;
  readonly maxOpen: number;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

const names: OptionNames<ServiceKey> = {
  name: true,
  key: true,
  weight: true,
  maxOpen: true,
  requestsPerMinute: true,
  tokensPerMinute: true,
};
const shortestKey = 16;
const anyone: Caller = { name: 'anyone', weight: 1, maxOpen: Infinity };

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

/**
 * Finds out who asks: all keys are compared with what was given, in constant time, so that nobody learns one from how long a refusal takes. Without keys
 * everybody is `anyone`.
 * @throws OptionError
 */
export function callersOf(keys: readonly ServiceKey[]): (authorization: string | undefined) => Caller | undefined {
  const known = keys.map((one, i) => resolveKey(`keys[${String(i)}]`, one));
  for (const field of ['name', 'digest'] as const) {
    const all = known.map((one) => (field === 'name' ? one.caller.name : one.digest.toString('hex')));
    if (new Set(all).size < all.length) throw new OptionError(`keys must each have a ${field === 'name' ? 'name' : 'key'} of their own`);
  }
  if (known.length === 0) return () => anyone;
  return (authorization) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if (given === undefined) return undefined;
    const asked = digest(given);
    let found: Caller | undefined;
    for (const one of known) if (timingSafeEqual(one.digest, asked)) found = one.caller; // no early end
    return found;
  };
}

function resolveKey(at: string, given: ServiceKey): { readonly caller: Caller; readonly digest: Buffer } {
  requireOptions(at, given, names);
  const { name, key, weight = 1, maxOpen, requestsPerMinute, tokensPerMinute } = given;
  requireText(`${at}.name`, name);
  if (!/^[\w.-]{1,64}$/.test(name)) throw new OptionError(`${at}.name must be 1 to 64 letters, digits, dots, dashes`);
  if (typeof key !== 'string' || !/^[!-~]{16,512}$/.test(key))
    throw new OptionError(`${at}.key must be ${String(shortestKey)} to 512 visible ASCII characters: openssl rand -hex 24 makes one`);
  requireNumber(`${at}.weight`, weight, 0.001, 1_000);
  if (maxOpen !== undefined) requireInteger(`${at}.maxOpen`, maxOpen, 1);
  if (requestsPerMinute !== undefined) requireInteger(`${at}.requestsPerMinute`, requestsPerMinute, 1);
  if (tokensPerMinute !== undefined) requireInteger(`${at}.tokensPerMinute`, tokensPerMinute, 1);
  return { caller: { name, weight, maxOpen: maxOpen ?? Infinity, requestsPerMinute, tokensPerMinute }, digest: digest(key) };
}

/**
 * Reads keys as they stand in a file: a line each, `NAME KEY`, then perhaps `weight=2`, `max-open=10`, `requests-per-minute=60`, `tokens-per-minute=20000`; `#` begins a remark.
 * @throws OptionError that names the line, never what stands in it.
 */
export function parseKeys(text: string): readonly ServiceKey[] {
  const keys = text.split(/\r?\n/).flatMap((line, i): readonly ServiceKey[] => {
    const words = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    const [name = '', key, ...more] = words;
    if (name === '') return [];
    const at = `line ${String(i + 1)} of the keys`;
    if (key === undefined) throw new OptionError(`${at} must be NAME KEY, got one word`);
    const settings = Object.fromEntries(more.map((one) => setting(at, one)));
    return [{ name, key, ...settings }];
  });
  if (keys.length === 0) throw new OptionError('the file of keys must hold at least one line NAME KEY');
  return keys;
}

/** What may stand behind a key in a file. */
const settings = {
  weight: 'weight',
  'max-open': 'maxOpen',
  'requests-per-minute': 'requestsPerMinute',
  'tokens-per-minute': 'tokensPerMinute',
} as const;

function setting(at: string, word: string): readonly [string, number] {
  const [, name = '', value] = /^([a-z-]+)=(\d+(?:\.\d+)?)$/.exec(word) ?? [];
  if (!Object.hasOwn(settings, name))
    throw new OptionError(`${at}: behind the key may stand ${Object.keys(settings).join('=, ')}= and a number alone`);
  return [settings[name as keyof typeof settings], Number(value)];
}
