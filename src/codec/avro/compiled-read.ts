import type { AvscType, Tap } from './avsc.ts';
import { readBigLong } from './big-long.ts';
import { blockItems, readKey } from './blocks.ts';
import { readCount, readText } from './text.ts';
import { noBranch } from './unions.ts';

/** Reads one value. */
export type Read = (tap: Tap) => unknown;

/** What the code calls, by the names that it has there. */
const helpers = { readCount, readText, readBigLong, blockItems, readKey, noBranch };

const primitives: Readonly<Record<string, string>> = {
  ...{ null: 'null', boolean: 'tap.readBoolean()', long: 'readBigLong(tap)', double: 'tap.readDouble()', string: 'readText(tap)' },
};

/**
 * What `type._read` does, by code that is made for this type alone. The loops of `_read` are shared by all schemas of a process; as soon as two pass through them V8 can no longer
 * inline what they call, which took a quarter of a small record's time. Nothing of a schema gets into the code: it speaks of parts by number.
 */
export function compiledRead(type: AvscType): Read {
  const code = new Code();
  const value = code.of(type);
  return code.made(value);
}

let compiled = 0;

class Code {
  readonly #parts: unknown[] = [];
  readonly #functions: string[] = [];
  readonly #calls = new Map<AvscType, string>();

  /** An expression for a value of this type. */
  of(type: AvscType): string {
    const { typeName } = type;
    if (Object.hasOwn(primitives, typeName)) return primitives[typeName] as string;
    if (typeName === 'record' || typeName === 'error' || typeName === 'array' || typeName === 'map') return this.#call(type);
    if (typeName.startsWith('union:')) return this.#call(type);
    if (typeName.startsWith('logical:') && type.underlyingType) return `${this.#part(type)}._fromValue(${this.of(type.underlyingType)})`;
    return `${this.#part(type)}._read(tap)`;
  }

  made(value: string): Read {
    compiled += 1; // in the text, since V8 keeps what it has learnt of a text for all functions made of it
    const names = this.#parts.map((_, i) => `p${String(i)}`);
    const text = `'use strict'; // ${String(compiled)}
      const { ${Object.keys(helpers).join(', ')} } = helpers, [${names.join(', ')}] = parts;
      ${this.#functions.join('\n')}
      return (tap) => ${value};`;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- of numbers alone; avsc does it for each record
    return (new Function('helpers', 'parts', text) as (given: typeof helpers, parts: readonly unknown[]) => Read)(helpers, this.#parts);
  }

  #part(value: unknown): string {
    return `p${String(this.#parts.push(value) - 1)}`;
  }

  #call(type: AvscType): string {
    const known = this.#calls.get(type);
    if (known !== undefined) return known;
    const name = `f${String(this.#calls.size)}`;
    const call = `${name}(tap)`;
    this.#calls.set(type, call); // it may speak of itself
    this.#functions.push(`function ${name}(tap) { ${this.#body(type)} }`);
    return call;
  }

  #body(type: AvscType): string {
    const { typeName, fields = [], types = [] } = type;
    const loop = (each: string): string =>
      `for (let left = blockItems(tap); left > 0; left = blockItems(tap)) for (; left > 0; left -= 1) ${each}`;
    if (typeName === 'array') return `const items = []; ${loop(`items.push(${this.of(type.itemsType as AvscType)});`)} return items;`;
    if (typeName === 'map')
      return `const map = {}; ${loop(`{ const key = readKey(tap); map[key] = ${this.of(type.valuesType as AvscType)}; }`)} return map;`;
    if (typeName.startsWith('union:')) {
      const cases = types.map((branch, i) => `case ${String(i)}: return ${this.#branch(branch, type.isPlain === true)};`);
      return `const branch = readCount(tap); switch (branch) { ${cases.join(' ')} default: throw noBranch(${String(types.length)}, branch); }`;
    }
    return `return new ${this.#part(type.recordConstructor)}(${fields.map((field) => this.of(field.type)).join(', ')});`;
  }

  #branch(type: AvscType, isPlain: boolean): string {
    const value = this.of(type);
    return isPlain || type.typeName === 'null' ? value : `new ${this.#part(type._branchConstructor)}(${value})`;
  }
}
