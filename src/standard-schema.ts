import type { StandardSchemaV1 } from '@standard-schema/spec';
import { OptionError } from './errors.ts';

/** How many issues a message lists, and how long one path or text may be; a bad list of 10,000 items has 10,000 issues. */
const mostIssues = 8;
const mostLookedAt = 100;
const longestPath = 80;
const longestText = 240;

type Issues = readonly StandardSchemaV1.Issue[];

/** Where the issues are, and nothing of what is there: values belong to nobody's log. */
export function describePaths(issues: Issues): string {
  const paths = new Set(issues.slice(0, mostLookedAt).map(pathOf));
  const shown = [...paths].slice(0, mostIssues).join('; ');
  return paths.size > mostIssues || issues.length > mostLookedAt ? `${shown}; … (${String(issues.length)} issues)` : shown;
}

/** Where and why, in the validator's own words, which may quote values. */
export function describeIssues(issues: Issues): string {
  const shown = issues.slice(0, mostIssues).map((issue) => `${pathOf(issue)}: ${cut(issue.message, longestText)}`);
  return issues.length > mostIssues ? `${shown.join('; ')}; and ${String(issues.length - mostIssues)} more` : shown.join('; ');
}

/** `$`, `$.items[3].name`: a path as JSONPath writes it. */
function pathOf(issue: StandardSchemaV1.Issue): string {
  let path = '$';
  for (const segment of issue.path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment;
    path += typeof key === 'number' ? `[${String(key)}]` : plainName(key) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`;
    if (path.length > longestPath) break;
  }
  return cut(path, longestPath);
}

const plainName = (key: PropertyKey): boolean => /^[\w$]+$/u.test(String(key));

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most)}…`);

/** @throws OptionError, which begins with `name`, unless `schema` is a Standard Schema; arktype's are functions. */
export function requireStandardSchema(name: string, schema: unknown): asserts schema is StandardSchemaV1 {
  const holder = (typeof schema === 'object' && schema !== null) || typeof schema === 'function' ? schema : {};
  const standard: unknown = '~standard' in holder ? holder['~standard'] : undefined;
  if (typeof standard === 'object' && standard !== null && 'validate' in standard && typeof standard.validate === 'function') return;
  throw new OptionError(
    `${name} must be a Standard Schema (zod, valibot, arktype, …), got ${Array.isArray(schema) ? 'a list' : typeof schema}`,
  );
}
