import { InferenceError } from '../../../errors.ts';
import type { JsonSchema } from '../../model.ts';
import { decimalGrammar, fractionDigits, integerGrammar, maxDigits } from './number-grammar.ts';

/** A JSON Schema as a grammar that holds all of it. */
export interface SchemaGrammar {
  /** GBNF; its answers are JSON without white space. */
  readonly grammar: string;
  /** No answer has more bytes, so none has more tokens. */
  readonly longestBytes: number;
}

/** The grammar engine's limit for a repetition. */
const maxRepetition = 2_000;
const maxDepth = 32;
const maxAlternatives = 1_000;
const bytesPerCharacter = 3; // of the characters that the grammar allows

const annotations = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$schema',
  '$id',
  '$comment',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$defs',
  'definitions',
]);

/** What each form of schema may say beside annotations. */
const keywords = {
  union: ['anyOf', 'oneOf', 'type'],
  literal: ['const', 'enum', 'type'],
  reference: ['$ref'],
  object: ['type', 'properties', 'required', 'additionalProperties'],
  array: ['type', 'items', 'minItems', 'maxItems'],
  string: ['type', 'minLength', 'maxLength'],
  integer: ['type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  number: ['type', 'minimum', 'maximum'],
  boolean: ['type'],
  null: ['type'],
} as const;

interface Part {
  readonly rule: string;
  readonly longestBytes: number;
}

interface Site {
  readonly path: string;
  readonly depth: number;
  readonly references: readonly string[];
}

/**
 * Compiles a JSON Schema to a grammar. What the grammar cannot hold is refused, not ignored: an answer that was made under
 * a weaker rule would be thrown away later, after it was paid for. Strings and lists need a bound (`maxLength`,
 * `maxItems`), or a small model runs on for ever. Strings hold no control characters and none beyond the BMP, which
 * validators count differently.
 *
 * @throws InferenceError `schema_unsupported`, with the place and what to write instead.
 */
export function schemaGrammar(schema: JsonSchema): SchemaGrammar {
  const rules: string[] = [];
  const add = (body: string): string => {
    rules.push(`r${String(rules.length)} ::= ${body}`);
    return `r${String(rules.length - 1)}`;
  };
  const compiler = new Compiler(schema, add);
  const root = compiler.compile(schema, { path: '#', depth: 0, references: [] });
  return { grammar: [`root ::= ${root.rule}`, ...rules].join('\n'), longestBytes: root.longestBytes };
}

const refuse = (path: string, why: string): never => {
  throw new InferenceError('schema_unsupported', `the grammar of the embedded model cannot hold ${path}: ${why}`);
};

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const byteLength = (text: string): number => new TextEncoder().encode(text).length;
const verbatim = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
const down = (site: Site, step: string): Site => ({ ...site, path: `${site.path}/${step}`, depth: site.depth + 1 });

class Compiler {
  readonly #root: JsonSchema;
  readonly #add: (body: string) => string;

  constructor(root: JsonSchema, add: (body: string) => string) {
    this.#root = root;
    this.#add = add;
  }

  compile(schema: unknown, site: Site): Part {
    if (!isSchema(schema)) return refuse(site.path, 'expected a schema that says what it allows, as an object');
    if (site.depth > maxDepth) return refuse(site.path, `it is nested deeper than ${String(maxDepth)}`);
    if ('$ref' in schema) return this.#reference(schema, site);
    if ('anyOf' in schema || 'oneOf' in schema) return this.#union(schema, site);
    if ('const' in schema || 'enum' in schema) return this.#literals(schema, site);
    const type = schema['type'];
    if (isList(type))
      return this.#either(
        type.map((one) => this.compile(narrowed(schema, one), site)),
        site,
      );
    switch (type) {
      case 'object':
        return this.#object(schema, site);
      case 'array':
        return this.#array(schema, site);
      case 'string':
        return this.#string(schema, site);
      case 'integer':
      case 'number':
        return this.#number(schema, type, site);
      case 'boolean':
        onlyKnown(schema, 'boolean', site);
        return { rule: '("true" | "false")', longestBytes: 5 };
      case 'null':
        onlyKnown(schema, 'null', site);
        return { rule: '"null"', longestBytes: 4 };
      default:
        return refuse(site.path, type === undefined ? 'it allows anything; give it a type' : `its type ${JSON.stringify(type)} is unknown`);
    }
  }

  #either(parts: readonly Part[], site: Site): Part {
    if (parts.length === 0) return refuse(site.path, 'it allows nothing');
    if (parts.length > maxAlternatives) return refuse(site.path, `it has more than ${String(maxAlternatives)} alternatives`);
    return {
      rule: this.#add(parts.map((part) => part.rule).join(' | ')),
      longestBytes: Math.max(...parts.map((part) => part.longestBytes)),
    };
  }

  #reference(schema: JsonSchema, site: Site): Part {
    onlyKnown(schema, 'reference', site);
    const target = schema['$ref'];
    if (typeof target !== 'string' || !target.startsWith('#/'))
      return refuse(site.path, 'only references of the form #/$defs/name are followed');
    if (site.references.includes(target)) return refuse(site.path, `${target} holds itself, so its answers have no bound`);
    let found: unknown = this.#root;
    for (const step of target.slice(2).split('/')) {
      found = isSchema(found) ? found[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
    }
    return this.compile(found, { path: target, depth: site.depth + 1, references: [...site.references, target] });
  }

  #union(schema: JsonSchema, site: Site): Part {
    onlyKnown(schema, 'union', site);
    const options = schema['anyOf'] ?? schema['oneOf'];
    if (!isList(options) || ('anyOf' in schema && 'oneOf' in schema)) return refuse(site.path, 'expected one list, anyOf or oneOf');
    return this.#either(
      options.map((one, index) => this.compile(one, down(site, String(index)))),
      site,
    );
  }

  #literals(schema: JsonSchema, site: Site): Part {
    onlyKnown(schema, 'literal', site);
    const values = 'const' in schema ? [schema['const']] : schema['enum'];
    if (!isList(values)) return refuse(site.path, 'enum must be a list');
    const texts = values.map((value) => JSON.stringify(value));
    return this.#either(
      texts.map((text) => ({ rule: verbatim(text), longestBytes: byteLength(text) })),
      site,
    );
  }

  #object(schema: JsonSchema, site: Site): Part {
    onlyKnown(schema, 'object', site);
    const properties = schema['properties'] ?? {};
    const required = schema['required'] ?? [];
    if (!isSchema(properties) || !isList(required)) return refuse(site.path, 'properties must be an object and required a list');
    const names = Object.keys(properties);
    const unknown = required.find((name) => typeof name !== 'string' || !names.includes(name));
    if (unknown !== undefined) return refuse(site.path, `required names ${JSON.stringify(unknown)}, which properties lacks`);
    const extra = schema['additionalProperties'];
    if (names.length === 0 && extra !== undefined && extra !== false) return refuse(site.path, 'a map has no bound; name its properties');
    const members = names.map((name) => {
      const value = this.compile(properties[name], down(site, `properties/${name}`));
      const key = `${JSON.stringify(name)}:`;
      return {
        rule: `${verbatim(key)} ${value.rule}`,
        longestBytes: byteLength(key) + value.longestBytes,
        required: required.includes(name),
      };
    });
    const longestBytes = 2 + members.reduce((sum, member) => sum + member.longestBytes + 1, 0);
    return { rule: this.#add(`"{" ${this.#members(members)} "}"`), longestBytes };
  }

  /** Members in their order, commas between those that are there; two rules a member: something came before it, or not. */
  #members(members: readonly { readonly rule: string; readonly required: boolean }[]): string {
    let tail = { first: '""', later: '""' };
    for (const member of members.toReversed()) {
      const later = `"," ${member.rule} ${tail.later}`;
      const first = `${member.rule} ${tail.later}`;
      tail = member.required
        ? { first: this.#add(first), later: this.#add(later) }
        : { first: this.#add(`${first} | ${tail.first}`), later: this.#add(`${later} | ${tail.later}`) };
    }
    return tail.first;
  }

  #array(schema: JsonSchema, site: Site): Part {
    onlyKnown(schema, 'array', site);
    const max = bound(schema, 'maxItems', site);
    const min = schema['minItems'] === undefined ? 0 : bound(schema, 'minItems', site);
    if (min > max) return refuse(site.path, `minItems ${String(min)} is above maxItems ${String(max)}`);
    const item = this.compile(schema['items'], down(site, 'items'));
    const longestBytes = 2 + max * (item.longestBytes + 1);
    if (max === 0) return { rule: '"[]"', longestBytes };
    const more = `("," ${item.rule}){${String(Math.max(0, min - 1))},${String(max - 1)}}`;
    const some = max === 1 ? item.rule : `${item.rule} ${more}`;
    return { rule: this.#add(`"[" ${min === 0 ? `(${some})?` : some} "]"`), longestBytes };
  }

  #string(schema: JsonSchema, site: Site): Part {
    onlyKnown(schema, 'string', site);
    const max = bound(schema, 'maxLength', site);
    const min = schema['minLength'] === undefined ? 0 : bound(schema, 'minLength', site);
    if (min > max) return refuse(site.path, `minLength ${String(min)} is above maxLength ${String(max)}`);
    const character = '([^"\\\\\\x00-\\x1F\\x7F\\U00010000-\\U0010FFFF] | "\\\\" ["\\\\/bfnrt])';
    return { rule: this.#add(`"\\"" ${character}{${String(min)},${String(max)}} "\\""`), longestBytes: 2 + bytesPerCharacter * max };
  }

  #number(schema: JsonSchema, type: 'integer' | 'number', site: Site): Part {
    onlyKnown(schema, type, site);
    const limit = 10 ** maxDigits - 1;
    const given = (name: string, fallback: number): number => {
      const value = schema[name] ?? fallback;
      if (typeof value !== 'number') return refuse(site.path, `${name} must be a number`);
      if (type === 'number' && !Number.isInteger(value))
        return refuse(site.path, `${name} ${String(value)} is not whole; use a whole bound`);
      return value;
    };
    const low = Math.max(-limit, Math.ceil(given('minimum', -limit)), Math.floor(given('exclusiveMinimum', -limit - 1)) + 1);
    const high = Math.min(limit, Math.floor(given('maximum', limit)), Math.ceil(given('exclusiveMaximum', limit + 1)) - 1);
    if (low > high) return refuse(site.path, 'no number lies between its bounds');
    const whole = Math.max(String(low).length, String(high).length);
    if (type === 'integer') return { rule: this.#add(integerGrammar(low, high)), longestBytes: whole };
    return { rule: this.#add(decimalGrammar(low, high)), longestBytes: whole + 1 + fractionDigits + 1 };
  }
}

/** One type of a list of types, with the keywords that concern it. */
function narrowed(schema: JsonSchema, type: unknown): JsonSchema {
  const own: readonly string[] = typeof type === 'string' && type in keywords ? keywords[type as keyof typeof keywords] : [];
  const others = new Set(
    Object.values(keywords)
      .flat()
      .filter((name) => !own.includes(name)) as string[],
  );
  return { ...Object.fromEntries(Object.entries(schema).filter(([name]) => !others.has(name))), type };
}

function onlyKnown(schema: JsonSchema, form: keyof typeof keywords, site: Site): void {
  const known: readonly string[] = keywords[form];
  const unknown = Object.keys(schema).find((name) => !known.includes(name) && !annotations.has(name));
  if (unknown !== undefined)
    refuse(site.path, `"${unknown}" is not supported there; drop it and check it after the answer, in the schema you validate with`);
}

function bound(schema: JsonSchema, name: 'maxLength' | 'minLength' | 'maxItems' | 'minItems', site: Site): number {
  const value = schema[name];
  if (value === undefined) return refuse(site.path, `it has no bound; add ${name}, or a small model runs on for ever`);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxRepetition) return value;
  return refuse(site.path, `${name} must be an integer from 0 to ${String(maxRepetition)}, got ${JSON.stringify(value)}`);
}
