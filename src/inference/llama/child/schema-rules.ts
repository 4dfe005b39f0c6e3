import type { JsonSchema } from '../../model.ts';
import { type Bounds, either, elementsOf, type GrammarNode, nothing, sequence, text, times } from './grammar-node.ts';
import { literalGrammar } from './literal-grammar.ts';
import { mergeSchemas } from './merge-schemas.ts';
import { anyString, boundsOf, numberGrammar, refuseSchema, stringGrammar } from './scalar-grammar.ts';

const mostDepth = 64;
const mostAlternatives = 200;
/** Parsed anew for each call: so many take up to 40 ms, a thousand one. */
const mostElements = 60_000;
/** What is written twice where it is smaller than this, and has a rule of its own where it is not. */
const fewElements = 8;

/** What shows the type of a schema that names none. */
const typical = {
  object: ['properties', 'required', 'additionalProperties', 'propertyNames', 'patternProperties', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'contains', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format', 'contentEncoding'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
} as const;
/** What may stand beside a reference and changes nothing that a grammar says. */
const annotations = new Set(
  'title description default examples $schema $id $comment deprecated readOnly writeOnly $defs definitions'.split(' '),
);

export interface NamedRule {
  readonly node: GrammarNode;
  /** Where its schema stands. */
  readonly path: string;
}

interface Site {
  readonly path: string;
  readonly depth: number;
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const down = ({ path, depth }: Site, step: string): Site => ({ path: `${path}/${step}`, depth: depth + 1 });

/** The rules of a schema, each after those that it holds, but for those that hold it. */
export class SchemaRules {
  readonly rules = new Map<string, NamedRule>();
  readonly root: GrammarNode;
  readonly #schema: JsonSchema;
  readonly #referred = new Map<string, GrammarNode>();
  #elements = 0;
  #named = 0;

  constructor(schema: JsonSchema) {
    this.#schema = schema;
    this.root = this.#reference('#', { path: '#', depth: 0 });
  }

  #compile(given: unknown, site: Site): GrammarNode {
    if (given === true) return this.#anything();
    if (!isSchema(given)) return refuseSchema(site.path, 'expected a schema that allows something, as an object');
    if (site.depth > mostDepth) return refuseSchema(site.path, `it is nested deeper than ${String(mostDepth)}`);
    if (typeof given['$ref'] === 'string' && Object.keys(given).every((name) => name === '$ref' || annotations.has(name)))
      return this.#reference(given['$ref'], site);
    const schema = this.#merged(given, site);
    const { anyOf, ...rest } = schema;
    if (anyOf !== undefined) return this.#union(anyOf, rest, site);
    if (schema['enum'] !== undefined) return this.#literals(schema['enum'], site);
    const type = schema['type'] ?? Object.entries(typical).find(([, names]) => names.some((name) => name in schema))?.[0];
    if (!isList(type)) return this.#typed(type, schema, site);
    return this.#either(
      type.map((one) => () => this.#typed(one, schema, site)),
      site,
    );
  }

  #typed(type: unknown, schema: JsonSchema, site: Site): GrammarNode {
    switch (type) {
      case 'object':
        return this.#object(schema, site);
      case 'array':
        return this.#array(schema, site);
      case 'string':
        return this.#name(stringGrammar(schema, site.path), site.path);
      case 'integer':
      case 'number':
        return this.#name(numberGrammar(schema, type, site.path), site.path);
      case 'boolean':
        return either([text('true'), text('false')]);
      case 'null':
        return text('null');
      case undefined:
        return 'not' in schema && isSchema(schema['not']) && Object.keys(schema['not']).length === 0
          ? refuseSchema(site.path, 'it allows nothing')
          : this.#anything();
      default:
        return refuseSchema(site.path, `its type ${JSON.stringify(type)} is unknown`);
    }
  }

  /** With what `$ref` and `allOf` say beside it, and one word for `anyOf` and `oneOf`, `enum` and `const`. */
  #merged(schema: JsonSchema, { path, depth }: Site, level = depth): JsonSchema {
    if (level > mostDepth) return refuseSchema(path, `it is nested deeper than ${String(mostDepth)}`);
    const { $ref, allOf, ...own } = schema;
    const parts = [...($ref === undefined ? [] : [this.#found($ref, path)]), ...(isList(allOf) ? allOf : [])].filter(
      (part) => part !== true,
    );
    return parts.reduce<JsonSchema>(
      (merged, part) => {
        if (!isSchema(part)) return refuseSchema(path, 'expected parts of allOf that allow something, as objects');
        return mergeSchemas(merged, this.#merged(part, { path, depth }, level + 1));
      },
      mergeSchemas(own, {}),
    );
  }

  #reference(target: string, site: Site): GrammarNode {
    const known = this.#referred.get(target);
    if (known) return known;
    const found = this.#found(target, site.path);
    const rule: GrammarNode = { kind: 'rule', name: target === '#' ? 'schema' : `s${String(this.#referred.size)}` };
    this.#referred.set(target, rule);
    const node = this.#compile(found, { path: target, depth: site.depth + 1 });
    this.#keep(rule.name, node, target);
    return rule;
  }

  #found(target: unknown, path: string): unknown {
    if (typeof target !== 'string' || !/^#(?:\/|$)/.test(target))
      return refuseSchema(path, 'only references of the form #/$defs/name are followed');
    let found: unknown = this.#schema;
    for (const step of target.split('/').slice(1)) {
      const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
      if ((!isSchema(found) && !isList(found)) || !Object.hasOwn(found, name)) return refuseSchema(path, `there is nothing at ${target}`);
      found = Reflect.get(found, name);
    }
    return found;
  }

  /** A rule of its own for what is written more than once. */
  #name(node: GrammarNode, path: string): GrammarNode {
    if (elementsOf(node) < fewElements) return node;
    this.#named += 1;
    const name = `r${String(this.#named)}`;
    this.#keep(name, node, path);
    return { kind: 'rule', name };
  }

  #keep(name: string, node: GrammarNode, path: string): void {
    this.rules.set(name, { node, path });
    this.#elements += elementsOf(node);
    if (this.#elements > mostElements)
      refuseSchema(path, 'with what it holds it is too large: drop members or values, and check them after the answer');
  }

  #either(options: readonly (() => GrammarNode)[], { path }: Site): GrammarNode {
    if (options.length === 0) return refuseSchema(path, 'it allows nothing');
    if (options.length > mostAlternatives) return refuseSchema(path, `it has more than ${String(mostAlternatives)} alternatives`);
    return either(options.map((option) => option()));
  }

  #union(options: unknown, rest: JsonSchema, site: Site): GrammarNode {
    if (!isList(options)) return refuseSchema(site.path, 'anyOf and oneOf must be lists');
    const isBare = Object.keys(rest).every((name) => annotations.has(name) || name === 'type');
    return this.#either(
      options.map((one, at) => () => this.#compile(isBare ? one : { allOf: [rest, one] }, down(site, String(at)))),
      site,
    );
  }

  #literals(values: unknown, site: Site): GrammarNode {
    if (!isList(values)) return refuseSchema(site.path, 'enum must be a list');
    if (values.length === 0) return refuseSchema(site.path, 'it allows nothing');
    return this.#name(literalGrammar(values.map((value) => JSON.stringify(value))), site.path);
  }

  #object(schema: JsonSchema, site: Site): GrammarNode {
    const { properties = {}, required = [], additionalProperties: others, propertyNames } = schema;
    if (!isSchema(properties) || !isList(required)) return refuseSchema(site.path, 'properties must be an object and required a list');
    const known = isSchema(propertyNames) && isList(propertyNames['enum']) ? propertyNames['enum'] : [];
    const names = [...new Set([...Object.keys(properties), ...required, ...(isSchema(others) ? known : [])])];
    if (names.length === 0) return others === false ? text('{}') : this.#map(others ?? true, propertyNames, schema, site);
    const members = names.map((name) => {
      if (typeof name !== 'string') return refuseSchema(site.path, 'names of members must be strings');
      const value = Object.hasOwn(properties, name) ? properties[name] : (others ?? true);
      if (value === false) return refuseSchema(site.path, `required names ${JSON.stringify(name)}, which properties lacks`);
      const node = this.#compile(value, down(site, `properties/${name}`));
      return { node: sequence(text(`${JSON.stringify(name)}:`), this.#name(node, site.path)), isRequired: required.includes(name) };
    });
    return sequence(text('{'), this.#members(members, site), text('}'));
  }

  /** Members in their order, commas between those that are there; two rules a member: something came before it, or not. */
  #members(members: readonly { readonly node: GrammarNode; readonly isRequired: boolean }[], { path }: Site): GrammarNode {
    let tail = { first: nothing, later: nothing };
    for (const { node, isRequired } of members.toReversed()) {
      const first = sequence(node, tail.later);
      const later = sequence(text(','), node, tail.later);
      tail = isRequired
        ? { first: this.#name(first, path), later: this.#name(later, path) }
        : { first: this.#name(either([first, tail.first]), path), later: this.#name(either([later, tail.later]), path) };
    }
    return tail.first;
  }

  /** Any names with values of one kind. A name may come twice, and then counts once: how many there are is checked. */
  #map(values: unknown, names: unknown, schema: JsonSchema, site: Site): GrammarNode {
    const name = isSchema(names) ? this.#name(stringGrammar(this.#merged(names, site), site.path), site.path) : anyString();
    const member = sequence(name, text(':'), this.#compile(values, down(site, 'additionalProperties')));
    return this.#list('{', member, boundsOf(schema, 'minProperties', 'maxProperties', site.path), '}', site);
  }

  #array(schema: JsonSchema, site: Site): GrammarNode {
    const { prefixItems = [], items } = schema;
    if (!isList(prefixItems)) return refuseSchema(site.path, 'prefixItems must be a list');
    const { least, most } = boundsOf(schema, 'minItems', 'maxItems', site.path);
    const first = prefixItems.map((item, at) => this.#compile(item, down(site, `prefixItems/${String(at)}`)));
    const isClosed = items === false || (items === undefined && prefixItems.length > 0) || most <= first.length;
    if (isClosed && least > first.length) return refuseSchema(site.path, 'it has less items than minItems asks for');
    const rest = isClosed ? undefined : this.#compile(items ?? true, down(site, 'items'));
    if (first.length === 0) return rest ? this.#list('[', rest, { least, most }, ']', site) : text('[]');
    // what may be left out, is left out with all that comes after it
    let tail = rest
      ? times(this.#name(sequence(text(','), rest), site.path), Math.max(0, least - first.length), most - first.length)
      : nothing;
    for (const [at, item] of [...first.entries()].toReversed()) {
      if (at >= most) continue;
      const here = sequence(...(at === 0 ? [] : [text(',')]), item, tail);
      tail = at < least ? here : times(this.#name(here, site.path), 0, 1);
    }
    return sequence(text('['), tail, text(']'));
  }

  #list(open: string, item: GrammarNode, { least, most }: Bounds, close: string, { path }: Site): GrammarNode {
    if (most === 0) return text(open + close);
    const one = this.#name(item, path);
    const some = sequence(one, times(this.#name(sequence(text(','), one), path), Math.max(0, least - 1), most - 1));
    return sequence(text(open), least === 0 ? times(some, 0, 1) : some, text(close));
  }

  #anything(): GrammarNode {
    const rule: GrammarNode = { kind: 'rule', name: 'value' };
    if (this.rules.has(rule.name)) return rule;
    this.rules.set(rule.name, { node: nothing, path: '#' }); // it holds itself
    const site: Site = { path: '#', depth: 0 };
    const list = this.#list('[', rule, { least: 0, most: Number.POSITIVE_INFINITY }, ']', site);
    const map = this.#list('{', sequence(anyString(), text(':'), rule), { least: 0, most: Number.POSITIVE_INFINITY }, '}', site);
    const flat = [anyString(), numberGrammar({}, 'number', site.path), text('true'), text('false'), text('null')];
    this.rules.delete(rule.name);
    this.#keep(rule.name, either([map, list, ...flat]), '#');
    return rule;
  }
}
