/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What was found in one chunk. */
export interface ExtractionPart {
  readonly index: number;
  readonly value: Json;
}

/** A place where chunks say different things. */
export interface ExtractionConflict {
  /** As a JSON Pointer: `/buyer/name`. */
  readonly path: string;
  /** Each thing that was said, with the chunks that say it; the first is the one that was kept. */
  readonly values: readonly { readonly value: Json; readonly chunks: readonly number[] }[];
}

export interface MergedExtraction {
  readonly value: Json;
  readonly conflicts: readonly ExtractionConflict[];
}

/**
 * The union of what chunks say: members of objects side by side, items of lists one after the other without repetitions. Where two chunks say different things of one place, what most
 * of them say is kept, of equals the earlier, and the conflict is shown. Null, empty texts and empty lists say nothing.
 */
export function mergeExtractions(parts: readonly ExtractionPart[]): MergedExtraction {
  const conflicts: ExtractionConflict[] = [];
  const said = parts.toSorted((a, b) => a.index - b.index).filter(({ value }) => saysSomething(value));
  return { value: said.length === 0 ? (parts[0]?.value ?? null) : union(said, '', conflicts), conflicts };
}

function union(parts: readonly ExtractionPart[], path: string, conflicts: ExtractionConflict[]): Json {
  if (parts.every(({ value }) => Array.isArray(value))) return distinct(parts.flatMap(({ value }) => value as readonly Json[]));
  if (parts.every(({ value }) => isRecord(value))) return ofMembers(parts as readonly RecordPart[], path, conflicts);
  const byKey = new Map<string, { readonly value: Json; readonly chunks: number[] }>();
  for (const { index, value } of parts) {
    const known = byKey.get(keyOf(value));
    if (known) known.chunks.push(index);
    else byKey.set(keyOf(value), { value, chunks: [index] });
  }
  const values = [...byKey.values()].sort((a, b) => b.chunks.length - a.chunks.length); // stable: of equals the earlier
  if (values.length > 1) conflicts.push({ path, values });
  return values[0]?.value ?? null;
}

interface RecordPart extends ExtractionPart {
  readonly value: Readonly<Record<string, Json>>;
}

function ofMembers(parts: readonly RecordPart[], path: string, conflicts: ExtractionConflict[]): Json {
  const names = [...new Set(parts.flatMap(({ value }) => Object.keys(value)))];
  const members = names.map((name): readonly [string, Json] => {
    const all = parts.flatMap(({ index, value }) => (Object.hasOwn(value, name) ? [{ index, value: value[name] ?? null }] : []));
    const said = all.filter(({ value }) => saysSomething(value));
    const place = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return [name, said.length === 0 ? (all[0]?.value ?? null) : union(said, place, conflicts)];
  });
  return Object.fromEntries(members);
}

function distinct(items: readonly Json[]): readonly Json[] {
  const kept = new Map<string, Json>();
  for (const item of items) {
    const key = keyOf(item);
    if (!kept.has(key)) kept.set(key, item);
  }
  return [...kept.values()];
}

const isRecord = (value: Json): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const saysSomething = (value: Json): boolean =>
  !(value === null || (typeof value === 'string' && value.trim() === '') || (Array.isArray(value) && value.length === 0));

/** What is the same has one key: a model writes one name with other spaces, or its members in another order, in another chunk. */
function keyOf(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase());
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one: Json) => keyOf(one)).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${keyOf(one)}`).join(',')}}`;
}
