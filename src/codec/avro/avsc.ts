import { createRequire } from 'node:module';
import type * as Avsc from 'avsc';
import { PipelineError } from '../../errors.ts';

export type AvscModule = typeof Avsc;

/** What avsc reads from and writes to. It never fails at the end of its bytes, so whoever used it asks `isValid`. */
export interface Tap {
  /** A method that Node has and does not publish: `toString` without its checks, a sixth of the time of a small record. */
  readonly buf: Buffer & { utf8Slice(from: number, to: number): string };
  pos: number;
  isValid(): boolean;
  readLong(): number;
  skipLong(): void;
  readFixed(size: number): Buffer | undefined;
  readString(): string | undefined;
  writeLong(value: number): void;
  writeFixed(bytes: Buffer, size: number): void;
  writeString(text: string): void;
}

/** Told of each value that does not fit. */
export type CheckHook = (value: unknown, type: AvscType) => void;

/** The inner side of a type, of avsc 5.7.9. */
export interface AvscType {
  readonly name: string | undefined;
  readonly aliases: readonly string[] | undefined;
  readonly branchName: string | undefined;
  readonly typeName: string;
  readonly symbols?: readonly string[];
  readonly size?: number;
  readonly itemsType?: AvscType;
  readonly valuesType?: AvscType;
  readonly types?: readonly AvscType[];
  readonly underlyingType?: AvscType;
  /** Ours, of a union whose values are plain. */
  readonly isPlain?: boolean;
  /** Ours: which logical type, with what must be the same on both sides. */
  readonly logicalName?: string;
  /** Ours, of an enum. */
  readonly defaultSymbol?: string | undefined;
  readonly fields?: readonly AvscField[];
  readonly recordConstructor?: new (...values: readonly unknown[]) => object;
  /** Of what stands in a union as `{ name: value }`. */
  readonly _branchConstructor?: (new (value: unknown) => object) | null;
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
  _write(tap: Tap, value: unknown): void;
  _check(value: unknown, flags?: number, hook?: CheckHook, path?: string[]): boolean;
  _copy(value: unknown, options?: { readonly coerce?: number }): unknown;
  /** As JSON, within that of another type. */
  _attrs(options: unknown): unknown;
  /** Of a logical type. */
  _fromValue?(value: unknown): unknown;
  toBuffer(value: unknown): Buffer;
  /** Where it ends; negative: so many bytes are missing. */
  encode(value: unknown, into: Buffer, at: number): number;
  isValid(value: unknown, options: { readonly errorHook: (path: readonly string[], value: unknown, type: AvscType) => void }): boolean;
  toJSON(): unknown;
}

/** A type as avsc calls it: once, with a schema of its kind. */
export type TypeClass<Members = unknown> = new (schema: unknown, options: unknown) => AvscType & Members;

export interface AvscField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvscType;
  /** Anew each time; undefined: there is none. */
  readonly defaultValue: () => unknown;
}

const usedVersion = '5.7.9';
const load = createRequire(import.meta.url);
let loaded: AvscModule | undefined;
let Loaded: (new (bytes: Buffer, from: number) => Tap) | undefined;

/**
 * avsc, loaded at the first use. Our types extend its own by members that it does not publish, so it must be of one exact version.
 * @throws PipelineError `missing_dependency`
 */
export function loadAvsc(): AvscModule {
  if (loaded) return loaded;
  const { version } = load('avsc/package.json') as { readonly version: string };
  if (version !== usedVersion)
    throw new PipelineError(
      'missing_dependency',
      `millrace uses avsc ${usedVersion} from within and found ${version}: install exactly ${usedVersion}`,
    );
  loaded = load('avsc') as AvscModule;
  return loaded;
}

/** What avsc reads from, at the `from`th of these bytes; once it is loaded. */
export function tapOf(bytes: Buffer, from: number): Tap {
  Loaded ??= (load('avsc/lib/utils') as { readonly Tap: typeof Loaded }).Tap as NonNullable<typeof Loaded>;
  return new Loaded(bytes, from);
}
