import type { ErrorCode } from '../../../src/errors.ts';
import type { HostileCase } from './case.ts';

const million = 1_000_000;

const refused = (name: string, text: () => string | Buffer, code: ErrorCode = 'decode_failed'): HostileCase => ({
  ...taken(name, text),
  code,
});
const taken = (name: string, text: () => string | Buffer): HostileCase => ({
  name,
  codec: 'json',
  bytes: () => Buffer.from(text() as string),
  code: undefined,
});
/** Read with a schema: a list of numbers. */
const judged = (name: string, text: () => string): HostileCase => ({
  ...refused(name, text, 'schema_violation'),
  codec: 'json with a schema',
});
const members = (count: number, key: (i: number) => string): string =>
  `{${Array.from({ length: count }, (_, i) => `"${key(i)}":1`).join(',')}}`;

export const jsonCases: readonly HostileCase[] = [
  refused('truncated', () => '{"id":1,"te'),
  refused('no bytes', () => ''),
  refused('lists 100,000 deep', () => '['.repeat(100_000) + ']'.repeat(100_000)),
  refused('objects 100,000 deep', () => `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
  refused('5,000,000 lists that never end', () => '['.repeat(5 * million)),
  refused('1,001 deep behind a long text', () => `["${'\\"['.repeat(million)}",${'['.repeat(1_000)}${']'.repeat(1_001)}`),
  refused('1,000,000 keys', () => members(million, (i) => `k${String(i)}`)),
  refused('1,000,000 times one key', () => members(million, () => 'k')),
  refused('1,000,000 items', () => `[${'0,'.repeat(million)}0]`),
  refused('1,000,000 empty objects', () => `[${'{},'.repeat(million)}{}]`),
  taken('39,999 keys', () => members(39_999, (i) => `k${String(i)}`)),
  taken('13,333 objects, each of another key', () => `[${Array.from({ length: 13_333 }, (_, i) => `{"k${String(i)}":1}`).join(',')}]`),
  taken('39,999 keys that are numbers far apart', () => members(39_999, (i) => String(i * 100_000))),
  taken('a number of 1,000,000 digits', () => '1'.repeat(million)),
  taken('a fraction of 8,000,000 digits', () => `0.${'1'.repeat(8 * million)}`),
  taken('1e999999, which is Infinity', () => '[1e999999,-1e999999]'),
  judged('1e999999 for a schema of numbers', () => '[1e999999]'),
  judged('39,998 values that a schema refuses', () => `[${'"",'.repeat(39_997)}""]`),
  taken('the character 0', () => '"\\u0000"'),
  taken('half a surrogate pair, escaped', () => '"\\ud800"'),
  taken('one key twice: the last counts', () => '{"a":1,"a":2}'),
  refused('the key __proto__', () => '{"__proto__":{"admin":true}}'),
  refused('the key __proto__, escaped', () => '{"\\u005f_proto\\u005F_":1}'),
  refused('text that is not UTF-8', () => Buffer.of(0x22, 0xc3, 0x28, 0x22)),
  refused('text in overlong UTF-8', () => Buffer.of(0x22, 0xc0, 0xa2, 0x22)),
  refused('text in UTF-16', () => Buffer.from('\uFEFF{"a":1}', 'utf16le')),
  refused('text of 100 MB', () => `"${'x'.repeat(100 * million)}"`),
  taken('text of 8 MB, one character of which is wide', () => `"…${'x'.repeat(8 * million)}"`),
  taken('text of 8 MB in escapes', () => `"${'\\u4e2d'.repeat(1_333_333)}"`),
  refused('8 MB of backslashes', () => `["${'\\'.repeat(8 * million + 1)}"]`),
  refused('8 MB of spaces, and nothing', () => ' '.repeat(8 * million)),
];
