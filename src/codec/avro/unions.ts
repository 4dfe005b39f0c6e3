import { CodecError } from '../../errors.ts';
import type { AvscModule, AvscType, CheckHook, Tap, TypeClass } from './avsc.ts';
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
  ...{
    'logical:decimal': 'string',
    'logical:big-decimal': 'string',
    'logical:uuid': 'string',
    'logical:date': 'string',
    'logical:local-timestamp-millis': 'string',
  },
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

type CopyOptions = { readonly coerce?: number; readonly wrap?: number } | undefined;
const ofDefault = 2; // avsc's number for it: plain, and of the first branch that can have it (up to Avro 1.11 of the first)
const toJson = 3;

/** The type of a union of these: plain values where those tell the branch, else `{ name: value }`. */
export function unionType({ Type }: AvscModule, branches: readonly AvscType[]): AvscType {
  requireBranches(branches);
  const byKind = new Map<Kind | undefined, number>(branches.map(({ typeName }, index) => [kinds[typeName], index]));
  const Base = Type as unknown as TypeClass;
  const isPlain = byKind.size === branches.length && !byKind.has(undefined);
  return isPlain ? plainUnion(Base, branches, byKind) : wrappedUnion(Base, branches);
}

/** @throws TypeError for what the specification does not allow */
function requireBranches(branches: readonly AvscType[]): void {
  if (branches.length === 0) throw new TypeError('expected a union of at least one branch');
  if (branches.some(({ typeName }) => typeName.startsWith('union:'))) throw new TypeError('expected no union as a branch of a union');
  const names = branches.map(({ branchName }) => branchName);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new TypeError(`expected each branch of a union once, got ${twice} twice`);
}

/** What both have; avsc's own looks names up in an object, which has members such as `toString`, too. */
function unionOf(Base: TypeClass, branches: readonly AvscType[], name: string): TypeClass {
  return class Union extends Base {
    override readonly types: readonly AvscType[];

    constructor() {
      super(undefined, undefined);
      this.types = branches;
    }

    override get typeName(): string {
      return `union:${name}`;
    }

    override _skip(tap: Tap): void {
      branchAt(branches, tap.readLong())._skip(tap);
    }

    /** Its JSON. */
    _deref(_json: object, options: unknown): unknown {
      return branches.map((branch) => branch._attrs(options));
    }
  };
}

function plainUnion(Base: TypeClass, branches: readonly AvscType[], byKind: ReadonlyMap<Kind | undefined, number>): AvscType {
  const branchOf = (value: unknown): AvscType | undefined => branches[byKind.get(kindOfValue(value)) ?? -1];
  class PlainUnion extends unionOf(Base, branches, 'plain') {
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

    override _copy(value: unknown, options?: CopyOptions): unknown {
      return options?.wrap === ofDefault ? defaultOf(branches, value, options)[1] : branchOf(value)?._copy(value, options);
    }
  }
  return new PlainUnion(undefined, undefined);
}

function wrappedUnion(Base: TypeClass, branches: readonly AvscType[]): AvscType {
  const byName = new Map(branches.map(({ branchName }, index) => [branchName, index]));
  /** Which branch, and what of it; undefined for what is neither null nor an object of one key. */
  const foundIn = (value: unknown): readonly [index: number, name: string, inner: unknown] | undefined => {
    if (typeof value !== 'object') return undefined;
    const [name, ...more] = value === null ? ['null'] : Object.keys(value);
    const index = name === undefined || more.length > 0 ? undefined : byName.get(name);
    return index === undefined || name === undefined ? undefined : [index, name, value && Reflect.get(value, name)];
  };
  const wrapped = (branch: AvscType, inner: unknown): unknown => (branch._branchConstructor ? new branch._branchConstructor(inner) : inner);
  class WrappedUnion extends unionOf(Base, branches, 'wrapped') {
    override _check(value: unknown, flags?: number, hook?: CheckHook, path?: string[]): boolean {
      const found = foundIn(value);
      if (!found) {
        if (hook) hook(value, this);
        return false;
      }
      const [index, name, inner] = found;
      if (value !== null) path?.push(name);
      const isOne = branchAt(branches, index)._check(inner, flags, hook, path);
      if (value !== null) path?.pop();
      return isOne;
    }

    override _read(tap: Tap): unknown {
      const branch = branchAt(branches, readCount(tap));
      return wrapped(branch, branch._read(tap));
    }

    override _write(tap: Tap, value: unknown): void {
      const found = foundIn(value);
      if (!found) throw new TypeError('no branch'); // the caller says where
      tap.writeLong(found[0]);
      branchAt(branches, found[0])._write(tap, found[2]);
    }

    override _copy(value: unknown, options?: CopyOptions): unknown {
      if (options?.wrap === ofDefault) return wrapped(...defaultOf(branches, value, options));
      const [index, , inner] = foundIn(value) ?? [-1, '', value];
      const branch = branches[index];
      if (!branch) throw new TypeError('expected a branch of the union');
      const copied = branch._copy(inner, options);
      return options?.wrap === toJson ? copied : wrapped(branch, copied);
    }
  }
  return new WrappedUnion(undefined, undefined);
}

/** The branch of a default, and what it is there. @throws what the first branch says of a default that none can have */
function defaultOf(branches: readonly AvscType[], value: unknown, options: CopyOptions): readonly [branch: AvscType, copied: unknown] {
  let why: unknown;
  for (const branch of branches)
    try {
      const needsObject = branch.typeName === 'record' || branch.typeName === 'error';
      if (needsObject && kindOfValue(value) !== 'object') throw new TypeError('expected an object'); // or it would be taken for one whose fields are missing
      return [branch, branch._copy(value, options)];
    } catch (error) {
      why ??= error;
    }
  throw why;
}

export function branchAt<T>(branches: readonly T[], index: number): T {
  const branch = branches[index];
  if (branch === undefined) throw noBranch(branches.length, index);
  return branch;
}

export const noBranch = (branches: number, index: number): CodecError =>
  new CodecError('decode_failed', `expected one of ${String(branches)} branches of a union, got number ${String(index)}`);
