import { exactJson, parseExactJson } from './exact-json.ts';

/** A text that is the same for the same JSON, however its keys are ordered; undefined for what is no JSON. */
export function canonicalJson(text: string): string | undefined {
  try {
    return exactJson(sorted(parseExactJson(text)));
  } catch {
    return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, sorted(one)] as const);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
