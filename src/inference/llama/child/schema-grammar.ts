import type { JsonSchema } from '../../model.ts';
import { beginsOf, type Extent, extentOf, GbnfWriter } from './grammar-node.ts';
import { refuseSchema } from './scalar-grammar.ts';
import { SchemaRules } from './schema-rules.ts';

/** A JSON Schema as a grammar. */
export interface SchemaGrammar {
  /** GBNF; its answers are JSON without white space. */
  readonly grammar: string;
  /** No answer has more bytes, so none has more tokens; without an end where a string, a list, a map or a recursion has none. */
  readonly longestBytes: number;
}

/**
 * Compiles a JSON Schema to a grammar that says as much of it as a grammar can: types, members, lists, tuples, maps, literals, unions, recursion, lengths, bounds of
 * numbers up to six decimals, formats, and patterns that are plain. It may allow more than the schema, never another shape: what it leaves out (`multipleOf`, `uniqueItems`,
 * `not`, look-arounds in patterns, a second pattern, …) is found by whoever checks the answer. It may allow less, where that is no loss to one who writes an answer: objects with
 * named members have no others, members come in their order, numbers have 15 digits and six decimals, strings no control characters but the usual escapes, and those with a longest
 * length or a pattern nothing beyond the BMP, which validators count differently.
 *
 * Holds at most 60,000 elements of a grammar (5,000 literals, 800 optional members): each call parses its own, in 40 ms at most.
 *
 * @throws InferenceError `schema_unsupported`, with the place, for what is no schema, allows nothing, or is too large.
 */
export function schemaGrammar(schema: JsonSchema): SchemaGrammar {
  const { root, rules } = new SchemaRules(schema);
  const extents = extentsOf(rules);
  for (const [name, { least }] of extents)
    if (!Number.isFinite(least))
      refuseSchema(rules.get(name)?.path ?? '#', 'each of its values holds another one of its kind, so none ever ends');
  const endless = beginningWithItself(rules, extents);
  if (endless !== undefined) refuseSchema(rules.get(endless)?.path ?? '#', 'it is nothing but itself');
  const writer = new GbnfWriter();
  writer.rule('root', root);
  for (const [name, { node }] of rules) writer.rule(name, node);
  return { grammar: writer.gbnf, longestBytes: extentOf(root, extents).most };
}

/**
 * A rule comes after those that it holds, but for those that hold it. So the first round tells the longest texts, where what is not known yet has no end;
 * the shortest ones need as many rounds as rules hold each other.
 */
function extentsOf(rules: SchemaRules['rules']): ReadonlyMap<string, Extent> {
  const extents = new Map<string, Extent>();
  for (const [name, { node }] of rules) extents.set(name, extentOf(node, extents));
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const [name, { node }] of rules) {
      const before = extents.get(name);
      const { least } = extentOf(node, extents);
      if (before === undefined || least >= before.least) continue;
      extents.set(name, { least, most: before.most });
      isNew = true;
    }
  }
  return extents;
}

/** Such a rule; a parser never gets to its end. */
function beginningWithItself(rules: SchemaRules['rules'], extents: ReadonlyMap<string, Extent>): string | undefined {
  const left = new Map([...rules].map(([name, { node }]) => [name, beginsOf(node, extents)]));
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const [name, begins] of left) {
      if (begins.some((one) => left.has(one))) continue;
      left.delete(name);
      isNew = true;
    }
  }
  const [found] = left.keys();
  return found;
}
