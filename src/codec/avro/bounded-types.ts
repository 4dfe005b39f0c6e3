import { CodecError } from '../../errors.ts';
import type { AvscModule, AvscType, CheckHook, Tap, TypeClass } from './avsc.ts';
import { readBigLong, writeBigLong } from './big-long.ts';
import { blockItems, readEntries, skipBlocks } from './blocks.ts';
import { exactEnum } from './exact-enum.ts';
import { readCount, readText, requireWhole, skipText } from './text.ts';

export interface BoundedTypes {
  readonly array: TypeClass;
  readonly map: TypeClass;
  readonly string: TypeClass;
  readonly bytes: TypeClass;
  readonly fixed: TypeClass;
  readonly enum: TypeClass;
  readonly int: TypeClass;
  readonly long: TypeClass;
  readonly float: TypeClass;
  readonly double: TypeClass;
}

interface Bases extends Readonly<Record<`${'String' | 'Bytes' | 'Fixed' | 'Int' | 'Long' | 'Float' | 'Double'}Type`, TypeClass>> {
  readonly ArrayType: TypeClass<{ readonly itemsType: AvscType }>;
  readonly MapType: TypeClass<{ readonly valuesType: AvscType }>;
}

/**
 * avsc's types, made exact and bounded. avsc makes room for as many items as a block claims, before any of them was read; reads on behind the end; takes what is not UTF-8 for
 * U+FFFD; and writes half a surrogate pair as that.
 */
export function boundedTypes(avsc: AvscModule): BoundedTypes {
  const bases = avsc.types as unknown as Bases;
  return { ...collections(bases), ...texts(bases), ...numbers(bases), enum: exactEnum(avsc) };
}

function collections({ ArrayType, MapType }: Bases): Pick<BoundedTypes, 'array' | 'map'> {
  class BoundedArray extends ArrayType {
    override _read(tap: Tap): unknown {
      const { itemsType } = this;
      const items: unknown[] = [];
      // not by readItems: a function for each array, called from where all of them are, is a tenth of a record
      for (let left = blockItems(tap); left > 0; left = blockItems(tap)) for (; left > 0; left -= 1) items.push(itemsType._read(tap));
      return items;
    }

    override _skip(tap: Tap): void {
      const { itemsType } = this;
      skipBlocks(tap, () => {
        itemsType._skip(tap);
      });
    }
  }

  class BoundedMap extends MapType {
    override _read(tap: Tap): unknown {
      const { valuesType } = this;
      return readEntries(tap, (one) => valuesType._read(one));
    }

    override _skip(tap: Tap): void {
      const { valuesType } = this;
      skipBlocks(tap, () => {
        skipText(tap);
        valuesType._skip(tap);
      });
    }

    override _check(value: unknown, flags?: number, hook?: CheckHook, path?: string[]): boolean {
      if (hasEntries(value)) return super._check(value, flags, hook, path);
      if (hook) hook(value, this);
      return false;
    }

    override _write(tap: Tap, value: unknown): void {
      if (!hasEntries(value)) throw new TypeError('no map'); // the caller says where
      for (const key of Object.keys(value)) requireWhole(key);
      super._write(tap, value);
    }
  }
  return { array: BoundedArray, map: BoundedMap };
}

/** Not what keeps its content elsewhere, such as a Map or a Date: it would be written as a map without entries. And not the key that no reader here takes. */
const hasEntries = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  Object.prototype.toString.call(value) === '[object Object]' &&
  !Object.hasOwn(value, '__proto__');

function texts({ StringType, BytesType, FixedType }: Bases): Pick<BoundedTypes, 'string' | 'bytes' | 'fixed'> {
  class ExactString extends StringType {
    override _read(tap: Tap): unknown {
      return readText(tap);
    }

    override _write(tap: Tap, value: unknown): void {
      if (typeof value === 'string') requireWhole(value);
      super._write(tap, value);
    }
  }

  return { string: ExactString, bytes: ofAnyBytes(BytesType), fixed: ofAnyBytes(FixedType) };
}

/** `Base`, for any Uint8Array. */
const ofAnyBytes = (Base: TypeClass): TypeClass =>
  class AnyBytes extends Base {
    override _check(value: unknown, flags?: number, hook?: CheckHook): boolean {
      return super._check(asBuffer(value), flags, hook);
    }

    override _write(tap: Tap, value: unknown): void {
      super._write(tap, asBuffer(value));
    }
  };

const mostInt = 2 ** 31;

function numbers({ IntType, LongType, FloatType, DoubleType }: Bases): Pick<BoundedTypes, 'int' | 'long' | 'float' | 'double'> {
  class ExactInt extends IntType {
    override _read(tap: Tap): unknown {
      const value = readCount(tap);
      if (value >= mostInt || value < -mostInt) throw new CodecError('decode_failed', 'expected an int of 32 bits, got more');
      return value;
    }
  }

  class BigLong extends LongType {
    override _check(value: unknown, _flags?: number, hook?: CheckHook): boolean {
      const isLong = typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
      if (!isLong && hook) hook(value, this);
      return isLong;
    }

    /** Defaults in a schema are JSON. */
    override _copy(value: unknown): unknown {
      const long = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
      if (typeof long === 'number') throw new TypeError('expected a long; beyond 2^53 a bigint: 9007199254740993n');
      if (!this._check(long)) throw new TypeError(`expected a long of 64 bits, got a ${typeof value}`);
      return long;
    }

    override _read(tap: Tap): unknown {
      return readBigLong(tap);
    }

    override _write(tap: Tap, value: unknown): void {
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw new TypeError('no long'); // the caller says where
      writeBigLong(tap, value);
    }
  }
  return { int: ExactInt, long: BigLong, float: withBigDefaults(FloatType), double: withBigDefaults(DoubleType) };
}

/** Defaults of many digits are read as bigints, since they may be of a long. */
const withBigDefaults = (Base: TypeClass): TypeClass =>
  class BigDefaults extends Base {
    override _copy(value: unknown): unknown {
      return super._copy(typeof value === 'bigint' ? Number(value) : value);
    }
  };

const asBuffer = (value: unknown): unknown =>
  value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
