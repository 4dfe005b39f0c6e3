import type { JsonSchema } from '../../model.ts';

type Merge = (one: unknown, other: unknown) => unknown;

const both: Merge = (one, other) => ({ allOf: [one, other] });
const larger: Merge = (one, other) => Math.max(Number(one), Number(other));
const smaller: Merge = (one, other) => Math.min(Number(one), Number(other));
const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : [value]);

/** What a value that obeys both must obey, keyword by keyword. What is not here is the first one's: a grammar may allow too much. */
const merges: Readonly<Record<string, Merge>> = {
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  items: both,
  required: (one, other) => [...new Set([...listOf(one), ...listOf(other)])],
  anyOf: (one, other) => listOf(one).flatMap((first) => listOf(other).map((second) => both(first, second))),
  enum: (one, other) => {
    const known = new Set(listOf(other).map((value) => JSON.stringify(value)));
    return listOf(one).filter((value) => known.has(JSON.stringify(value)));
  },
  type: (one, other) => {
    const allowed = new Set([...listOf(other), ...(listOf(other).includes('number') ? ['integer'] : [])]);
    const narrow = listOf(one).includes('number') && listOf(other).includes('integer') ? ['integer'] : [];
    return [...new Set([...listOf(one).filter((type) => allowed.has(type)), ...narrow])];
  },
  properties: (one, other) => {
    const merged = Object.assign(Object.create(null) as Record<string, unknown>, one);
    if (isSchema(other))
      for (const [name, schema] of Object.entries(other)) merged[name] = name in merged ? both(merged[name], schema) : schema;
    return merged;
  },
  additionalProperties: (one, other) => (isSchema(one) && isSchema(other) ? both(one, other) : isSchema(one) ? one : other),
};

/** One schema for what must obey both, as far as that can be said without knowing more; both without references. */
export function mergeSchemas(one: JsonSchema, other: JsonSchema): JsonSchema {
  const merged = Object.assign(Object.create(null) as Record<string, unknown>, plain(one));
  for (const [keyword, value] of Object.entries(plain(other))) {
    merged[keyword] = keyword in merged ? (merges[keyword]?.(merged[keyword], value) ?? merged[keyword]) : value;
  }
  return merged;
}

/** With one word for each thing. */
function plain({ oneOf, const: only, ...rest }: JsonSchema): JsonSchema {
  const options =
    oneOf === undefined ? rest : { ...rest, anyOf: rest['anyOf'] === undefined ? oneOf : merges['anyOf']?.(rest['anyOf'], oneOf) };
  return only === undefined ? options : { ...options, enum: [only] };
}
