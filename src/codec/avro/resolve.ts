import { CodecError } from '../../errors.ts';
import type { AvscField, AvscType, Tap } from './avsc.ts';
import { readEntries, readItems } from './blocks.ts';
import type { Read } from './compiled-read.ts';
import { branchAt } from './unions.ts';

/** Why one schema cannot be read as another. */
export class Unreadable extends Error {
  constructor(message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // most say of a branch that another one fits: thousands, and no one reads where they were made
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Schema resolution as Avro 1.12 has it: records by field name and alias, defaults, promotion of numbers, text and bytes, enum defaults; the branch of a writer's union
 * counts when it occurs, not before. Stricter in one thing: two decimals of different scale, or two times of different unit, are not read as each other.
 * @throws Unreadable with the path, where nothing that the writer can write could be read.
 */
export function resolve(writer: AvscType, reader: AvscType): Read {
  return new Resolution(false).read(writer, reader, '');
}

/** Whether all that the writer can write can be read, as registries ask. @throws Unreadable with the path */
export function requireReadable(writer: AvscType, reader: AvscType): void {
  new Resolution(true).read(writer, reader, '');
}

const at = (path: string): string => (path === '' ? '' : ` at ${path}`);
const nameOf = ({ typeName, branchName }: AvscType): string => branchName ?? typeName;
const simple = (name: string | undefined): string => name?.slice(name.lastIndexOf('.') + 1) ?? '';
const isUnion = ({ typeName }: AvscType): boolean => typeName.startsWith('union:');
const isLogical = ({ typeName }: AvscType): boolean => typeName.startsWith('logical:');

const toNumber: Readonly<Record<string, readonly string[]>> = { float: ['int'], double: ['int', 'float'] };

const mostSteps = 50_000; // a schema may have 10,000 parts

interface RecordPair {
  readonly writer: AvscType;
  readonly reader: AvscType;
  read: Read | undefined;
}

class Resolution {
  /** Each branch and symbol of the writer's must have a place in the reader's. */
  readonly #all: boolean;
  /** Begun and found readable so far, in this order. What refers to a pair that is still begun takes it for readable. */
  readonly #pairs: RecordPair[] = [];
  readonly #byWriter = new Map<AvscType, Map<AvscType, RecordPair | Unreadable>>();
  #steps = 0;

  constructor(all: boolean) {
    this.#all = all;
  }

  read(writer: AvscType, reader: AvscType, path: string): Read {
    this.#steps += 1;
    if (this.#steps > mostSteps)
      throw new CodecError('schema_violation', `expected schemas that are compared in ${String(mostSteps)} steps, got larger ones`);
    if (isUnion(writer)) return this.#ofUnion(writer.types ?? [], reader, path);
    if (isUnion(reader)) return this.#asUnion(writer, reader, path);
    if (isLogical(writer) || isLogical(reader)) return this.#logical(writer, reader, path);
    switch (reader.typeName) {
      case 'record':
      case 'error':
        if (writer.typeName === 'record' || writer.typeName === 'error') return this.#record(writer, reader, path);
        break;
      case 'array':
        if (writer.typeName === 'array') return this.#array(writer, reader, path);
        break;
      case 'map':
        if (writer.typeName === 'map') return this.#map(writer, reader, path);
        break;
      default: {
        const read = plainRead(writer, reader);
        if (read && this.#all) requireSymbols(writer, reader, path);
        if (read) return read;
      }
    }
    throw new Unreadable(`${nameOf(writer)} cannot be read as ${nameOf(reader)}${at(path)}`);
  }

  #ofUnion(branches: readonly AvscType[], reader: AvscType, path: string): Read {
    const reads = branches.map((branch) => this.#tried(branch, reader, path));
    const first = reads.find((one) => one instanceof Unreadable);
    if (first && (this.#all || reads.every((one) => one instanceof Unreadable))) throw first;
    return (tap) => {
      const read = branchAt(reads, tap.readLong());
      if (read instanceof Unreadable)
        throw new CodecError('decode_failed', `expected a value that the reader's schema has a place for: ${read.message}`);
      return read(tap);
    };
  }

  #tried(writer: AvscType, reader: AvscType, path: string): Read | Unreadable {
    try {
      return this.read(writer, reader, path);
    } catch (error) {
      if (error instanceof Unreadable) return error;
      throw error;
    }
  }

  /** The branch of the same type and name, else the first that can. */
  #asUnion(writer: AvscType, reader: AvscType, path: string): Read {
    const branches = reader.types ?? [];
    const same = branches.filter((branch) => branch.typeName === writer.typeName && nameOf(branch) === nameOf(writer));
    for (const branch of new Set([...same, ...branches])) {
      const read = this.#tried(writer, branch, path);
      if (read instanceof Unreadable) continue;
      if (reader.isPlain === true || branch.typeName === 'null') return read;
      const name = nameOf(branch);
      return (tap) => ({ [name]: read(tap) });
    }
    throw new Unreadable(`${nameOf(writer)} is no branch of the reader's union${at(path)}`);
  }

  #logical(writer: AvscType, reader: AvscType, path: string): Read {
    const [from, to] = [writer.logicalName, reader.logicalName];
    if (from !== undefined && to !== undefined && from !== to) throw new Unreadable(`${from} cannot be read as ${to}${at(path)}`);
    const base = this.read(writer.underlyingType ?? writer, reader.underlyingType ?? reader, path);
    return to === undefined ? base : (tap) => reader._fromValue?.(base(tap));
  }

  #array(writer: AvscType, reader: AvscType, path: string): Read {
    const item = this.read(writer.itemsType as AvscType, reader.itemsType as AvscType, `${path}[]`);
    return (tap) => readItems(tap, item);
  }

  #map(writer: AvscType, reader: AvscType, path: string): Read {
    const value = this.read(writer.valuesType as AvscType, reader.valuesType as AvscType, `${path}{}`);
    return (tap) => readEntries(tap, value);
  }

  #record(writer: AvscType, reader: AvscType, path: string): Read {
    if (!hasName(reader, writer)) throw new Unreadable(`record ${nameOf(writer)} is none of ${nameOf(reader)} and its aliases${at(path)}`);
    const known = this.#byWriter.get(writer)?.get(reader);
    if (known instanceof Unreadable) throw known;
    if (known) return (tap) => known.read?.(tap);
    const begun = this.#pairs.length;
    const own: RecordPair = { writer, reader, read: undefined };
    this.#pairs.push(own);
    this.#remember(own, own);
    try {
      own.read = this.#fields(writer, reader, path);
      return own.read;
    } catch (error) {
      // those behind it may have been found readable only because it was taken for readable
      for (const pair of this.#pairs.splice(begun)) this.#byWriter.get(pair.writer)?.delete(pair.reader);
      if (error instanceof Unreadable) this.#remember(own, error);
      throw error;
    }
  }

  #remember({ writer, reader }: RecordPair, outcome: RecordPair | Unreadable): void {
    const byReader = this.#byWriter.get(writer) ?? new Map<AvscType, RecordPair | Unreadable>();
    this.#byWriter.set(writer, byReader.set(reader, outcome));
  }

  #fields(writer: AvscType, reader: AvscType, path: string): Read {
    const [written, wanted] = [writer.fields ?? [], reader.fields ?? []];
    const sources = wanted.map((field) => sourceOf(field, written));
    for (const [i, field] of wanted.entries())
      if (sources[i] === undefined && field.defaultValue() === undefined)
        throw new Unreadable(`field ${field.name} is not written, and has no default${at(path)}`);
    const steps = written.map((field): ((tap: Tap, values: unknown[]) => void) => {
      const index = sources.indexOf(field);
      const target = wanted[index];
      if (!target)
        return (tap) => {
          field.type._skip(tap);
        };
      const read = this.read(field.type, target.type, path === '' ? target.name : `${path}.${target.name}`);
      return (tap, values) => {
        values[index] = read(tap);
      };
    });
    const Made = reader.recordConstructor as NonNullable<AvscType['recordConstructor']>; // fills in the defaults for what is undefined
    return (tap) => {
      const values = new Array<unknown>(wanted.length).fill(undefined);
      for (const step of steps) step(tap, values);
      return new Made(...values);
    };
  }
}

/** By its name first, then by the reader's aliases. */
const sourceOf = ({ name, aliases }: AvscField, written: readonly AvscField[]): AvscField | undefined =>
  [name, ...aliases].map((one) => written.find((field) => field.name === one)).find((field) => field !== undefined);

const hasName = (reader: AvscType, writer: AvscType): boolean =>
  simple(reader.name) === simple(writer.name) ||
  (reader.aliases ?? []).some((alias) => alias === writer.name || simple(alias) === simple(writer.name));

/** Of types without parts; undefined where the one is no other. */
function plainRead(writer: AvscType, reader: AvscType): Read | undefined {
  const [from, to] = [writer.typeName, reader.typeName];
  if (from === 'fixed' || to === 'fixed')
    return from === to && writer.size === reader.size && hasName(reader, writer) ? (tap) => reader._read(tap) : undefined;
  if (from === 'enum' || to === 'enum') return from === to && hasName(reader, writer) ? enumRead(writer, reader) : undefined;
  if (from === to) return (tap) => reader._read(tap);
  if (from === 'int' && to === 'long') return (tap) => BigInt(writer._read(tap) as number);
  if (from === 'long' && (to === 'float' || to === 'double')) return (tap) => Number(writer._read(tap));
  if (toNumber[to]?.includes(from) === true) return (tap) => writer._read(tap);
  if ((from === 'string' && to === 'bytes') || (from === 'bytes' && to === 'string')) return (tap) => reader._read(tap);
  return undefined;
}

function requireSymbols(writer: AvscType, reader: AvscType, path: string): void {
  if (reader.typeName !== 'enum' || reader.defaultSymbol !== undefined) return;
  const known = new Set(reader.symbols);
  const missing = writer.symbols?.find((symbol) => !known.has(symbol));
  if (missing !== undefined)
    throw new Unreadable(`symbol ${missing} of ${nameOf(writer)} is not known, and there is no default${at(path)}`);
}

function enumRead(writer: AvscType, reader: AvscType): Read {
  const known = new Set(reader.symbols);
  return (tap) => {
    const symbol = writer._read(tap) as string;
    if (known.has(symbol)) return symbol;
    if (reader.defaultSymbol !== undefined) return reader.defaultSymbol;
    throw new CodecError('decode_failed', `expected a symbol of ${nameOf(reader)}, got another, and the enum has no default`);
  };
}
