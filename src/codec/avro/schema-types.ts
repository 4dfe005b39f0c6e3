import { OptionError } from '../../errors.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { AvscField, AvscType } from './avsc.ts';
import { compileSchema } from './compile-schema.ts';

export interface NamedSchema {
  /** What its type is called where the schema itself has no name; for messages, too. */
  readonly name: string;
  readonly schema: AvroSchema;
}

const values: Readonly<Record<string, string>> = {
  ...{ null: 'null', boolean: 'boolean', int: 'number', long: 'bigint', float: 'number', double: 'number', bytes: 'Uint8Array' },
  ...{
    string: 'string',
    fixed: 'Uint8Array',
    'logical:decimal': 'string',
    'logical:big-decimal': 'string',
    'logical:uuid': 'string',
    'logical:date': 'string',
  },
  ...{ 'logical:time-millis': 'number', 'logical:time-micros': 'bigint', 'logical:timestamp-millis': 'Date' },
  ...{ 'logical:timestamp-micros': 'bigint', 'logical:timestamp-nanos': 'bigint', 'logical:local-timestamp-millis': 'string' },
  ...{ 'logical:local-timestamp-micros': 'bigint', 'logical:local-timestamp-nanos': 'bigint', 'logical:duration': 'AvroDuration' },
};

/** What a type must not be called, since others speak of it, or the language does. */
const taken = new Set(
  (
    'Record Date Uint8Array AvroDuration any bigint boolean never null number object string symbol undefined unknown void break case catch class const continue debugger default delete do else ' +
    'enum export extends false finally for function if import in instanceof new return super switch this throw true try typeof var while with let static yield await implements interface package private protected public'
  ).split(' '),
);

/**
 * Declarations in TypeScript of the values that {@link avro} has for these schemas, which may speak of each other in any order: one for each record and enum, with its docs; and another
 * (`OrderInput` beside `Order`) of what is written, where fields with defaults may be left out.
 * @throws OptionError for what is no schema, and for one that speaks of what none of them defines
 */
export function schemaTypes(schemas: readonly NamedSchema[]): string {
  const types = new Declarations(schemas);
  for (const { name, type } of inOrder(schemas)) types.add(name, type);
  return types.text();
}

/** Each behind those that it speaks of. */
function inOrder(schemas: readonly NamedSchema[]): readonly { readonly name: string; readonly type: AvscType }[] {
  const known: AvroSchema[] = [];
  const found: { readonly name: string; readonly type: AvscType }[] = [];
  let left = schemas;
  while (left.length > 0) {
    const later: NamedSchema[] = [];
    let why: unknown;
    for (const one of left) {
      try {
        found.push({ name: one.name, type: compileSchema(one.schema, one.name, known) });
        known.push(one.schema);
      } catch (error) {
        why ??= error;
        later.push(one);
      }
    }
    if (later.length === left.length) throw why;
    left = later;
  }
  return found;
}

/** Given: what is decoded. Taken: what is encoded. */
type Way = 'given' | 'taken';

class Declarations {
  readonly #docs = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #parts = new Map<string, string>();

  constructor(schemas: readonly NamedSchema[]) {
    for (const { schema } of schemas) collectDocs(schema, '', this.#docs);
  }

  add(file: string, type: AvscType): void {
    const text = this.#of(type, 'given');
    if (this.#parts.has(text)) {
      if (hasDefaults(type)) this.#of(type, 'taken');
      return;
    }
    const own = this.#named(`${String(this.#names.size)} ${file}`, file); // two files may have one name
    this.#parts.set(own, `export type ${own} = ${text};\n`);
    if (!hasDefaults(type)) return;
    const input = this.#named(`${own} taken`, `${own}Input`);
    this.#parts.set(input, `export type ${input} = ${this.#of(type, 'taken')};\n`);
  }

  text(): string {
    const parts = [...this.#parts.values()];
    const needsImport = parts.some((part) => /\bAvroDuration\b/.test(part));
    return [...(needsImport ? ["import type { AvroDuration } from 'millrace';\n"] : []), ...parts].join('\n');
  }

  #of(type: AvscType, way: Way): string {
    const { typeName, name = '' } = type;
    if (Object.hasOwn(values, typeName)) return values[typeName] as string;
    switch (typeName) {
      case 'array': {
        const item = this.#of(type.itemsType as AvscType, way);
        return `${way === 'taken' ? 'readonly ' : ''}${item.includes(' ') ? `(${item})` : item}[]`;
      }
      case 'map':
        return `Record<string, ${this.#of(type.valuesType as AvscType, way)}>`;
      case 'record':
      case 'error':
        return this.#record(type, hasDefaults(type) ? way : 'given');
      case 'enum':
        return this.#declared(
          name,
          name,
          (own) => `export type ${own} = ${(type.symbols ?? []).map((symbol) => `'${symbol}'`).join(' | ') || 'never'};\n`,
        );
      default:
        if (!type.types) throw new OptionError(`expected a schema whose values have a type, got one of ${typeName}`);
        return [...new Set(type.types.map((branch) => this.#branch(branch, type.isPlain === true, way)))].join(' | ') || 'never';
    }
  }

  /** What is written may lack fields that have defaults: another type, where there are any. */
  #record(type: AvscType, way: Way): string {
    const { name = '', fields = [] } = type;
    const text = (own: string): string => `export interface ${own} ${bodyText(fields.map((field) => this.#field(name, field, way)))}\n`;
    return way === 'given' ? this.#declared(name, name, text) : this.#declared(name, `${name}Input`, text);
  }

  #branch(type: AvscType, isPlain: boolean, way: Way): string {
    const text = this.#of(type, way);
    const name = type.branchName ?? type.typeName;
    return isPlain || type.typeName === 'null' ? text : `{ readonly ${name.includes('.') ? `'${name}'` : name}: ${text} }`;
  }

  #field(of: string, { name, type, defaultValue }: AvscField, way: Way): string {
    const [mark, more] = way === 'taken' && defaultValue() !== undefined ? ['?', ' | undefined'] : ['', ''];
    return `${docText(this.#docs.get(`${of}#${name}`), '  ')}  ${name}${mark}: ${this.#of(type, way)}${more};\n`;
  }

  /** @param key by which it is known, of its full name */
  #declared(name: string, key: string, text: (own: string) => string): string {
    const own = this.#named(key);
    if (!this.#parts.has(own)) {
      this.#parts.set(own, ''); // it may speak of itself
      this.#parts.set(own, docText(this.#docs.get(name), '') + text(own));
    }
    return own;
  }

  /** The simple name, where nothing else has it. */
  #named(key: string, name = key): string {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const others = new Set([...this.#names.values(), ...taken]);
    let own = name.slice(name.lastIndexOf('.') + 1);
    if (others.has(own)) own = name.replaceAll('.', '_');
    while (others.has(own)) own += '_';
    this.#names.set(key, own);
    return own;
  }
}

/** Whether anything in it may be left out of what is written. */
function hasDefaults(type: AvscType, seen = new Set<AvscType>()): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  const parts = [type.itemsType, type.valuesType, ...(type.types ?? []), ...(type.fields ?? []).map((field) => field.type)];
  const isOne = (type.fields ?? []).some(({ defaultValue }) => defaultValue() !== undefined);
  return isOne || parts.some((part) => part !== undefined && hasDefaults(part, seen));
}

const bodyText = (lines: readonly string[]): string => (lines.length === 0 ? '{}' : `{\n${lines.join('')}}`);

const docText = (doc: string | undefined, indent: string): string =>
  doc === undefined ? '' : `${indent}/** ${doc.replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ').trim()} */\n`;

/** By full name, and by `full.name#field`. */
function collectDocs(schema: unknown, space: string, docs: Map<string, string>): void {
  if (Array.isArray(schema)) for (const one of schema) collectDocs(one, space, docs);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return;
  const { name, namespace = space, doc, fields, type, items, values } = schema as Readonly<Record<string, unknown>>;
  let [full, inner] = ['', space];
  if (typeof name === 'string' && typeof type === 'string') {
    full = name.includes('.') || namespace === '' ? name : `${String(namespace)}.${name}`;
    inner = full.slice(0, Math.max(0, full.lastIndexOf('.')));
    if (typeof doc === 'string') docs.set(full, doc);
  }
  for (const field of Array.isArray(fields) ? (fields as readonly Readonly<Record<string, unknown>>[]) : []) {
    if (typeof field['doc'] === 'string') docs.set(`${full}#${String(field['name'])}`, field['doc']);
    collectDocs(field['type'], inner, docs);
  }
  for (const one of [items, values, typeof type === 'object' ? type : undefined]) collectDocs(one, inner, docs);
}
