import { CodecError } from '../../errors.ts';
import type { AvscModule, AvscType, CheckHook, Tap, TypeClass } from './avsc.ts';

const symbolPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What this type is made of, of avsc's. */
interface Made {
  _createBranchConstructor(): NonNullable<AvscType['_branchConstructor']>;
}

/**
 * avsc looks symbols up in an object, which has members such as `toString`, too: it refuses a schema with such a symbol, and takes such a value. And it freezes the list of them,
 * which takes 0.2 s for 200,000.
 */
export function exactEnum({ Type }: AvscModule): TypeClass {
  const Base = Type as unknown as TypeClass<Made>;
  class ExactEnum extends Base {
    override readonly symbols: readonly string[];
    override readonly defaultSymbol: string | undefined;
    readonly #indices: ReadonlyMap<unknown, number>;
    override readonly _branchConstructor: NonNullable<AvscType['_branchConstructor']>;

    constructor(schema: { readonly symbols?: unknown; readonly default?: unknown }, options: unknown) {
      super(schema, options);
      const { symbols = [], default: byDefault } = schema;
      this.#indices = indicesOf(symbols);
      this.symbols = symbols as readonly string[];
      if (byDefault !== undefined && !this.#indices.has(byDefault))
        throw new TypeError('expected one of its symbols as the default of an enum');
      this.defaultSymbol = byDefault as string | undefined;
      this._branchConstructor = this._createBranchConstructor();
    }

    override get typeName(): string {
      return 'enum';
    }

    override _check(value: unknown, _flags?: number, hook?: CheckHook): boolean {
      const isSymbol = this.#indices.has(value);
      if (!isSymbol && hook) hook(value, this);
      return isSymbol;
    }

    override _read(tap: Tap): unknown {
      const symbol = this.symbols[tap.readLong()];
      if (symbol === undefined) throw new CodecError('decode_failed', `expected one of ${String(this.symbols.length)} symbols of an enum`);
      return symbol;
    }

    override _skip(tap: Tap): void {
      tap.skipLong();
    }

    override _write(tap: Tap, value: unknown): void {
      const index = this.#indices.get(value);
      if (index === undefined) throw new TypeError('no symbol'); // the caller says where
      tap.writeLong(index);
    }

    override _copy(value: unknown): unknown {
      if (!this._check(value)) throw new TypeError('expected one of its symbols');
      return value;
    }

    /** Into its JSON, by which types are compared. */
    _deref(json: Record<string, unknown>): void {
      json['symbols'] = this.symbols;
    }
  }
  return ExactEnum as unknown as TypeClass;
}

/** @throws TypeError unless they are names, each once, and at least one */
function indicesOf(symbols: unknown): ReadonlyMap<unknown, number> {
  const indices = new Map<unknown, number>();
  for (const symbol of Array.isArray(symbols) ? (symbols as readonly unknown[]) : []) {
    if (typeof symbol !== 'string' || !symbolPattern.test(symbol))
      throw new TypeError('expected symbols of letters, digits and _ in an enum');
    if (indices.has(symbol)) throw new TypeError('expected each symbol of an enum once');
    indices.set(symbol, indices.size);
  }
  if (indices.size === 0) throw new TypeError('expected the symbols of an enum, a list of at least one');
  return indices;
}
