import { type Amounts, type Unit, units } from './call-amounts.state.ts';

/** Something that was spent, or may be, at that time. */
export interface LeaseEntry {
  readonly atMs: number;
  readonly amounts: Partial<Amounts>;
}

/**
 * What a partition's owner has spent of its share, and may spend without saying so again: whoever gains the partition counts each
 * entry as spent at its time, and waits out only the rest.
 */
export type Lease = readonly LeaseEntry[];

const version = '1';

/**
 * A lease as text for a commit's metadata: the version and base64url of LEB128 numbers. The time of the last entry in ms, the number
 * of entries; then for each, the last one first, how much earlier it is than the one before it, a bit for each unit it has (in the
 * order of `units`), and their amounts. About 10 characters an entry.
 */
export function encodeLease(lease: Lease): string {
  const bytes: number[] = [];
  const write = (value: number): void => {
    let rest = BigInt(Math.max(0, Math.ceil(value)));
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
  };
  const entries = lease.toReversed();
  let atMs = Math.ceil(entries[0]?.atMs ?? 0);
  write(atMs);
  write(entries.length);
  for (const entry of entries) {
    const entryMs = Math.min(atMs, Math.ceil(entry.atMs)); // never earlier than it was: it would count for too short a time
    write(atMs - entryMs);
    atMs = entryMs;
    const spent = units.filter((unit) => (entry.amounts[unit] ?? 0) > 0);
    write(spent.reduce((bits, unit) => bits | (1 << units.indexOf(unit)), 0));
    for (const unit of spent) write(entry.amounts[unit] ?? 0);
  }
  return `${version}${Buffer.from(bytes).toString('base64url')}`;
}

/** @throws RangeError for a text that {@link encodeLease} did not write. */
export function decodeLease(text: string): Lease {
  if (!/^1[\w-]+$/.test(text)) throw new RangeError('a lease of no known version');
  const bytes = Buffer.from(text.slice(1), 'base64url');
  let at = 0;
  const read = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const one = bytes[at];
      if (one === undefined || shift > 63n) throw new RangeError('a number in a lease has no end');
      at += 1;
      value |= BigInt(one & 0x7f) << shift;
      if (one < 0x80) return Number(value);
    }
  };
  let atMs = read();
  const count = read();
  const entries: LeaseEntry[] = [];
  for (let i = 0; i < count; i += 1) {
    atMs -= read();
    const bits = read();
    const amounts: Partial<Record<Unit, number>> = {};
    for (const [index, unit] of units.entries()) if (((bits >> index) & 1) === 1) amounts[unit] = read();
    entries.push({ atMs, amounts });
  }
  if (at !== bytes.length) throw new RangeError('a lease is longer than it says');
  return entries.toReversed();
}
