import type { StandardSchemaV1 } from '@standard-schema/spec';

/** One text that a tool takes, as a model is told. */
export interface TextField {
  readonly description: string;
  readonly maxLength: number;
}

/** The schema of `{ field: string, … }`, for the tools that load no schema library. */
export function textInput<const Name extends string>(
  fields: Readonly<Record<Name, TextField>>,
): {
  readonly input: StandardSchemaV1<unknown, Readonly<Record<Name, string>>>;
  readonly inputJsonSchema: Readonly<Record<string, unknown>>;
} {
  const all = Object.entries<TextField>(fields);
  const names = all.map(([name]) => name);
  const properties = Object.fromEntries(all.map(([name, field]) => [name, { type: 'string', minLength: 1, ...field }]));
  const issuesOf = (value: unknown): readonly StandardSchemaV1.Issue[] => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [{ message: `expected an object with ${names.join(', ')}` }];
    const unknown = Object.keys(value).filter((name) => !names.includes(name));
    return [
      ...unknown.map((name) => ({ message: `unknown field; there are ${names.join(', ')}`, path: [name] })),
      ...all.flatMap(([name, field]) => issueOf(Reflect.get(value, name), field).map((message) => ({ message, path: [name] }))),
    ];
  };
  return {
    input: {
      '~standard': {
        version: 1,
        vendor: 'millrace',
        validate: (value) => {
          const issues = issuesOf(value);
          return issues.length > 0 ? { issues } : { value: value as Readonly<Record<Name, string>> };
        },
      },
    },
    inputJsonSchema: { type: 'object', properties, required: names, additionalProperties: false },
  };
}

function issueOf(value: unknown, { maxLength }: TextField): readonly string[] {
  if (typeof value !== 'string') return [`expected a string, got ${value === null ? 'null' : typeof value}`];
  if (value.length > maxLength) return [`expected at most ${String(maxLength)} characters, got ${String(value.length)}`];
  return value.trim() === '' ? ['expected text, got none'] : [];
}
