import { CodecError } from '../../errors.ts';
import type { AvscModule, AvscType, CheckHook, Tap } from './avsc.ts';
import type { TypeClass } from './bounded-types.ts';
import { readCount } from './text.ts';

/** What tells the branches of a union apart in JavaScript. */
export type Kind = 'null' | 'boolean' | 'number' | 'bigint' | 'string' | 'bytes' | 'array' | 'date' | 'object';

const kinds: Readonly<Record<string, Kind>> = {
  ...{
    null: 'null',
    boolean: 'boolean',
    int: 'number',
    float: 'number',
    double: 'number',
    long: 'bigint',
    string: 'string',
    enum: 'string',
  },
  ...{ bytes: 'bytes', fixed: 'bytes', array: 'array', map: 'object', record: 'object', error: 'object' },
  ...{ 'logical:decimal': 'string', 'logical:uuid': 'string', 'logical:date': 'string', 'logical:local-timestamp-millis': 'string' },
  ...{ 'logical:time-millis': 'number', 'logical:time-micros': 'bigint', 'logical:timestamp-millis': 'date', 'logical:duration': 'object' },
  ...{ 'logical:timestamp-micros': 'bigint', 'logical:timestamp-nanos': 'bigint' },
  ...{ 'logical:local-timestamp-micros': 'bigint', 'logical:local-timestamp-nanos': 'bigint' },
};

function kindOfValue(value: unknown): Kind | undefined {
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return typeof value as Kind;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'array';
      if (value instanceof Uint8Array) return 'bytes';
      return value instanceof Date ? 'date' : 'object';
    default:
      return undefined;
  }
}

/** The type of a union of these: plain values where those tell the branch, else `{ name: value }`. */
export function unionType({ types: { WrappedUnionType } }: AvscModule, branches: readonly AvscType[], options: unknown): AvscType {
  const Wrapped = WrappedUnionType as unknown as TypeClass;
  const byKind = new Map<Kind | undefined, number>(branches.map(({ typeName }, index) => [kinds[typeName], index]));
  if (byKind.size < branches.length || byKind.has(undefined)) return new Wrapped(branches, options);

  class PlainUnion extends Wrapped {
    override get isPlain(): boolean {
      return true;
    }

    override _check(value: unknown, flags?: number, hook?: CheckHook, path?: string[]): boolean {
      const branch = branchOf(value);
      if (branch) return branch._check(value, flags, hook, path);
      if (hook) hook(value, this);
      return false;
    }

    override _read(tap: Tap): unknown {
      return branchAt(branches, readCount(tap))._read(tap);
    }

    override _write(tap: Tap, value: unknown): void {
      const index = byKind.get(kindOfValue(value));
      if (index === undefined) throw new TypeError('no branch'); // the caller says where
      tap.writeLong(index);
      branches[index]?._write(tap, value);
    }

    override _skip(tap: Tap): void {
      branchAt(branches, tap.readLong())._skip(tap);
    }

    override _copy(value: unknown, options?: { readonly coerce?: number }): unknown {
      // a default in a schema is of the first branch
      const branch = options?.coerce === undefined || options.coerce === 0 ? branchOf(value) : branches[0];
      return branch?._copy(value, options);
    }
  }
  const branchOf = (value: unknown): AvscType | undefined => branches[byKind.get(kindOfValue(value)) ?? -1];
  return new PlainUnion(branches, options);
}

export function branchAt<T>(branches: readonly T[], index: number): T {
  const branch = branches[index];
  if (branch === undefined) throw noBranch(branches.length, index);
  return branch;
}

export const noBranch = (branches: number, index: number): CodecError =>
  new CodecError('decode_failed', `expected one of ${String(branches)} branches of a union, got number ${String(index)}`);
