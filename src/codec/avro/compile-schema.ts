import { messageOf, OptionError } from '../../errors.ts';
import type { AvroSchema } from './avro-schema.ts';
import { type AvscModule, type AvscType, loadAvsc } from './avsc.ts';
import { type BoundedTypes, boundedTypes } from './bounded-types.ts';
import { type LogicalSchema, logicalTypeClass } from './logical-types.ts';
import { unionType } from './unions.ts';

const deepest = 100; // of a schema; that of values has no bound of its own
const most = 10_000; // types in one schema

/**
 * A type of avsc's for a schema. It may speak of the types that `known` define, each of which may speak of those before it.
 * @throws OptionError for what is no schema, with the reason.
 */
export function compileSchema(schema: AvroSchema, name: string, known: readonly AvroSchema[] = []): AvscType {
  for (const one of [...known, schema]) {
    requireSchema(one, name);
    requireModest(one, name);
  }
  const avsc = loadAvsc();
  const typeHook = hookOf(avsc, (bounded ??= boundedTypes(avsc))) as never;
  const options = { typeHook, omitRecordMethods: true, registry: Object.create(null) as never };
  try {
    for (const one of known) avsc.Type.forSchema(one as never, options);
    return avsc.Type.forSchema(schema as never, options) as unknown as AvscType;
  } catch (error) {
    if (error instanceof OptionError) throw error;
    throw new OptionError(`${name} is no Avro schema: ${reasonOf(error)}`, { cause: error });
  }
}

/** avsc says of a name only that it is none. */
function reasonOf(error: unknown): string {
  const message = messageOf(error);
  const [, got] = /^invalid (?:field )?name: (.*)$/s.exec(message) ?? [];
  return got === undefined
    ? message
    : `expected names and namespaces of ASCII letters, digits and _, no digit first, got ${got.replaceAll('"', '')}`;
}

/**
 * The same for what others have written values with. Reading needs neither its defaults nor its aliases, and those of others are not always good: Java's clients register them unchecked.
 * @throws OptionError
 */
export function compileWriter(schema: AvroSchema, name: string, known: readonly AvroSchema[] = []): AvscType {
  try {
    return compileSchema(schema, name, known);
  } catch (error) {
    try {
      return compileSchema(bare(schema), name, known.map(bare));
    } catch {
      throw error;
    }
  }
}

/** Without defaults of fields, and without aliases. */
function bare(schema: AvroSchema): AvroSchema {
  const partOf = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(partOf);
    if (typeof part !== 'object' || part === null) return part;
    const own: Record<string, unknown> = { ...part };
    delete own['aliases'];
    for (const key of ['type', 'items', 'values']) if (typeof own[key] === 'object') own[key] = partOf(own[key]);
    if (Array.isArray(own['fields'])) own['fields'] = own['fields'].map(fieldOf);
    return own;
  };
  const fieldOf = (field: unknown): unknown => {
    if (typeof field !== 'object' || field === null) return field;
    const own: Record<string, unknown> = { ...field };
    delete own['default'];
    return partOf(own);
  };
  return partOf(schema) as AvroSchema;
}

let bounded: BoundedTypes | undefined;

const oursPlain = ['string', 'bytes', 'int', 'long', 'float', 'double'] as const;
/** What avsc makes a type of. Any other is a name. */
const defining: ReadonlySet<string> = new Set([...oursPlain, 'null', 'boolean', 'record', 'error']);
const isOurs = (name: string): name is (typeof oursPlain)[number] => (oursPlain as readonly string[]).includes(name);

/** Gives our types for those of avsc's that are neither exact nor bounded; undefined leaves it to avsc. */
function hookOf(avsc: AvscModule, ours: BoundedTypes) {
  const inLogical = new Set<unknown>();
  const plain = new Map<string, AvscType>();
  const plainOf = (name: string): AvscType | undefined => {
    if (!isOurs(name)) return undefined;
    const known = plain.get(name) ?? new ours[name](undefined, undefined);
    plain.set(name, known);
    return known;
  };
  const typeOf = (schema: unknown, options: object): AvscType => avsc.Type.forSchema(schema as never, options) as unknown as AvscType;
  return (schema: unknown, options: object): AvscType | undefined => {
    if (typeof schema === 'string') return plainOf(schema);
    if (Array.isArray(schema)) {
      const branches = schema.map((branch: unknown) => typeOf(branch, options));
      return unionType(avsc, branches);
    }
    if (typeof schema !== 'object' || schema === null) return undefined;
    const { type } = schema as LogicalSchema;
    const Logical = inLogical.has(schema) ? undefined : logicalTypeClass(avsc, schema);
    if (Logical) {
      inLogical.add(schema);
      try {
        return new Logical(schema, options); // asks for the type underneath, with the same schema
      } finally {
        inLogical.delete(schema); // which may stand in many places
      }
    }
    if (type === 'array' || type === 'map' || type === 'fixed' || type === 'enum') return new ours[type](schema, options);
    if (typeof type === 'string') return defining.has(type) ? plainOf(type) : typeOf(type, options); // { type: 'Name' } is the type of that name
    return typeof type === 'object' && type !== null ? typeOf(type, options) : undefined;
  };
}

/** What is given for a schema by mistake, most often. */
function requireSchema(schema: unknown, name: string): void {
  if (typeof schema === 'string' && /^\s*["{[]/.test(schema))
    throw new OptionError(`${name} is JSON text: give what JSON.parse makes of it`);
  if (typeof schema === 'string' || (typeof schema === 'object' && schema !== null)) return;
  throw new OptionError(`${name} must be an Avro schema, such as { type: 'record', name, fields } or 'string', got ${String(schema)}`);
}

/** Schemas come from elsewhere: one that is too large, too deep, or would replace prototypes is refused before code is made of it. */
function requireModest(schema: unknown, name: string): void {
  let types = 0;
  const left: { readonly one: unknown; readonly depth: number }[] = [{ one: schema, depth: 0 }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { one, depth } = next;
    if (typeof one !== 'object' || one === null) continue;
    types += 1;
    if (depth > deepest || types > most)
      throw new OptionError(`${name} is no Avro schema that is read here: at most ${String(most)} parts, ${String(deepest)} deep`);
    if (Reflect.get(one, 'name') === '__proto__') throw new OptionError(`${name} names something __proto__, which replaces prototypes`);
    for (const child of Object.values(one)) if (typeof child === 'object') left.push({ one: child, depth: depth + 1 });
  }
}
