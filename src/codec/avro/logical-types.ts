import { CodecError } from '../../errors.ts';
import type { AvroDuration } from './avro-value.ts';
import type { AvscModule, CheckHook, TypeClass } from './avsc.ts';
import { bigDecimalFrom, bigDecimalTo } from './big-decimal.ts';
import { bigToBytes, bytesToBig, decimalText, unscaledOf } from './decimal.ts';

/** From what the type underneath holds, and to it. */
interface Conversion {
  /** Which types it stands on. */
  readonly on: readonly string[];
  /** The size of the fixed type it stands on. */
  readonly size?: number;
  readonly from: (value: unknown) => unknown;
  /** Undefined: it does not fit. */
  readonly to: (value: unknown) => unknown;
}

/** As a schema gives them beside its type. */
export interface LogicalSchema {
  readonly logicalType?: unknown;
  readonly type?: unknown;
  readonly size?: unknown;
  readonly precision?: unknown;
  readonly scale?: unknown;
}

const fromJson = 2; // avsc's number for it
const dayMs = 86_400_000;
const lastDateMs = 8.64e15;
const mostDecimalBytes = 1_024; // 2,466 digits: a number of a million digits takes seconds to become text
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const dateText = /^[+-]?\d{4,6}-\d{2}-\d{2}$/;
const localText = /^[+-]?\d{4,6}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?$/;

const isWithin = (value: number): boolean => Math.abs(value) <= lastDateMs;
const refuse = (text: string): never => {
  throw new CodecError('decode_failed', text);
};

/** The milliseconds of a text that names a real day: 30 February is none. */
function msOf(text: string): number | undefined {
  const ms = Date.parse(`${text}Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, -14) !== text.slice(0, text.indexOf('T')) ? undefined : ms;
}

function whenMs(value: unknown): number {
  const ms = Number(value);
  return isWithin(ms) ? ms : refuse('expected a time that a Date can hold, within 100,000,000 days of 1970');
}

/** What it is to us without its name. */
const bigint: Conversion = { on: ['long'], from: (value) => value, to: (value) => value };

const conversions: Readonly<Record<string, Conversion>> = {
  ...{ 'timestamp-micros': bigint, 'timestamp-nanos': bigint, 'local-timestamp-micros': bigint, 'local-timestamp-nanos': bigint },
  'big-decimal': { on: ['bytes'], from: (value) => bigDecimalFrom(value as Buffer), to: bigDecimalTo },
  uuid: { on: ['string'], from: (value) => value, to: (value) => (typeof value === 'string' && uuid.test(value) ? value : undefined) },
  date: {
    on: ['int'],
    from: (value) => new Date(whenMs(Number(value) * dayMs)).toISOString().slice(0, -14),
    to: (value) => {
      const ms = typeof value === 'string' && dateText.test(value) ? msOf(`${value}T00:00:00`) : undefined;
      return ms === undefined ? undefined : ms / dayMs;
    },
  },
  'time-millis': {
    on: ['int'],
    from: (value) => value,
    to: (value) => (typeof value === 'number' && value >= 0 && value < dayMs ? value : undefined),
  },
  'time-micros': {
    on: ['long'],
    from: (value) => value,
    to: (value) => (typeof value === 'bigint' && value >= 0n && value < BigInt(dayMs) * 1_000n ? value : undefined),
  },
  'timestamp-millis': {
    on: ['long'],
    from: (value) => new Date(whenMs(value)),
    to: (value) => (value instanceof Date && !Number.isNaN(value.getTime()) ? BigInt(value.getTime()) : undefined),
  },
  'local-timestamp-millis': {
    on: ['long'],
    from: (value) => new Date(whenMs(value)).toISOString().slice(0, -1),
    to: (value) => {
      const ms = typeof value === 'string' && localText.test(value) ? msOf(value) : undefined;
      return ms === undefined ? undefined : BigInt(ms);
    },
  },
  duration: { on: ['fixed'], size: 12, from: (value) => durationFrom(value as Buffer), to: durationTo },
};

function durationFrom(bytes: Buffer): AvroDuration {
  return { months: bytes.readUInt32LE(0), days: bytes.readUInt32LE(4), milliseconds: bytes.readUInt32LE(8) };
}

function durationTo(value: unknown): Buffer | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const bytes = Buffer.alloc(12);
  for (const [i, name] of (['months', 'days', 'milliseconds'] as const).entries()) {
    const amount: unknown = Reflect.get(value, name);
    if (typeof amount !== 'number' || !Number.isInteger(amount) || amount < 0 || amount >= 2 ** 32) return undefined;
    bytes.writeUInt32LE(amount, 4 * i);
  }
  return bytes;
}

/** Sixteen bytes as text with its dashes. */
const uuidOnFixed: Conversion = {
  on: ['fixed'],
  size: 16,
  from: (value) => {
    const hex = (value as Buffer).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
  to: (value) => (typeof value === 'string' && uuid.test(value) ? Buffer.from(value.replaceAll('-', ''), 'hex') : undefined),
};

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0;

function decimalOf({ type, size, precision, scale = 0 }: LogicalSchema): Conversion | undefined {
  if (!isCount(precision) || precision < 1 || !isCount(scale) || scale > precision) return undefined;
  if (type === 'fixed' && isCount(size) && precision > Math.floor(Math.log10(2) * (8 * size - 1))) return undefined;
  return {
    on: ['bytes', 'fixed'],
    from: (value) => {
      if ((value as Buffer).length > mostDecimalBytes) refuse(`expected a decimal of at most ${String(mostDecimalBytes)} bytes`);
      return decimalText(bytesToBig(value as Buffer), scale);
    },
    to: (value) => {
      const unscaled = typeof value === 'string' ? unscaledOf(value, precision, scale) : undefined;
      if (unscaled === undefined) return undefined;
      return type === 'fixed' ? bigToBytes(unscaled, isCount(size) ? size : 0) : bigToBytes(unscaled);
    },
  };
}

/** What a schema's logical type means for us; undefined where it means nothing, or does not fit what it stands on: then, as the specification has it, it is passed over. */
function conversionOf(schema: LogicalSchema): Conversion | undefined {
  const { logicalType, type, size } = schema;
  if (typeof logicalType !== 'string' || typeof type !== 'string') return undefined;
  const found =
    logicalType === 'decimal'
      ? decimalOf(schema)
      : logicalType === 'uuid' && type === 'fixed'
        ? uuidOnFixed
        : Object.hasOwn(conversions, logicalType)
          ? conversions[logicalType]
          : undefined;
  if (!found?.on.includes(type)) return undefined;
  return found.size === undefined || found.size === size ? found : undefined;
}

/** avsc's type for it. */
export function logicalTypeClass({ types }: AvscModule, schema: LogicalSchema): TypeClass | undefined {
  const conversion = conversionOf(schema);
  if (!conversion) return undefined;
  const { LogicalType } = types as unknown as { readonly LogicalType: TypeClass };
  const { logicalType, precision, scale = 0 } = schema;
  const name = logicalType === 'decimal' ? `decimal of scale ${String(scale)}` : String(logicalType);
  class Converted extends LogicalType {
    /** Defaults of the schema that are none of its values, and yet what it has as one, such as '' of a uuid; with what they are underneath. */
    readonly #defaults = new Map<unknown, unknown>();

    override get logicalName(): string {
      return name;
    }

    /** A value that is none of its own is told of as such, and not as one of the type underneath. */
    override _check(value: unknown, flags?: number, hook?: CheckHook): boolean {
      const isOwn = super._check(value, flags);
      if (!isOwn && hook) hook(value, this);
      return isOwn;
    }

    override _fromValue(value: unknown): unknown {
      if (value === undefined) refuse('expected more bytes');
      return conversion?.from(value);
    }

    _toValue(value: unknown): unknown {
      return conversion?.to(value) ?? this.#defaults.get(value);
    }

    override _copy(value: unknown, options?: { readonly coerce?: number }): unknown {
      if (options?.coerce !== fromJson) return super._copy(value, options);
      const plain = this.underlyingType?._copy(value, options);
      const own = this._fromValue(plain);
      if (conversion?.to(own) === undefined) this.#defaults.set(own, plain);
      return own;
    }

    /** Into its JSON, by which types are compared: avsc leaves these out. */
    _export(json: Record<string, unknown>): void {
      if (logicalType === 'decimal') Object.assign(json, { precision, scale });
    }
  }
  return Converted;
}
