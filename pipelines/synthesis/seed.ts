import { createHash } from 'node:crypto';
import { OptionError } from 'millrace';

/** What questions are made about: a text, or an object with whatever describes it. */
export type SeedValue = string | Readonly<Record<string, unknown>>;

export interface Seed {
  /** The seed's own `id`, or a digest of it. */
  readonly sourceId: string;
  readonly value: SeedValue;
}

/** Characters of one seed as a model reads it. */
const longest = 20_000;
/** Characters of an id of a seed's own: it stands in every line, and names the seed in the journal. */
const longestId = 256;
const mostShown = 100;
const mostSeeds = 1_000_000;

/** A seed as a model reads it: its text, or the members of an object a line each. */
export function topicOf(value: SeedValue): string {
  if (typeof value === 'string') return value;
  const lines = Object.entries(value)
    .filter(([name]) => name !== 'id')
    .map(([name, member]) => `${name}: ${typeof member === 'string' ? member : JSON.stringify(member)}`);
  return lines.join('\n');
}

/**
 * Seeds from a list of texts or objects. One that stands there twice is worked on once: `repeated` says how many there were.
 * @throws OptionError for what is no seed, with its place; for two different ones with the same id.
 */
export function seedsFrom(name: string, given: unknown): { readonly seeds: readonly Seed[]; readonly repeated: number } {
  if (!Array.isArray(given))
    throw new OptionError(`${name} must be a JSON array of texts or objects, got ${given === null ? 'null' : typeof given}`);
  if (given.length > mostSeeds) throw new OptionError(`${name} must have at most ${String(mostSeeds)} seeds, got ${String(given.length)}`);
  const seeds = new Map<string, Seed>();
  given.forEach((value: unknown, at) => {
    const seed = seedFrom(`${name}[${String(at)}]`, value);
    const before = seeds.get(seed.sourceId);
    if (before === undefined) seeds.set(seed.sourceId, seed);
    else if (JSON.stringify(before.value) !== JSON.stringify(seed.value))
      throw new OptionError(
        `${name}[${String(at)}] has the id ${JSON.stringify(seed.sourceId)}, which a different seed has, too: give each its own`,
      );
  });
  return { seeds: [...seeds.values()], repeated: given.length - seeds.size };
}

/** @throws OptionError for what is no seed. */
export function seedFrom(name: string, value: unknown): Seed {
  if (isDeep(value)) throw new OptionError(`${name} must be a text or an object of at most ${String(deepest)} levels, got more`);
  if (!isSeed(value)) throw new OptionError(`${name} must be a text or an object with something in it, got ${shown(value)}`);
  const length = topicOf(value).length;
  if (length > longest) throw new OptionError(`${name} must have at most ${String(longest)} characters, got ${String(length)}`);
  const own: unknown = typeof value === 'string' ? undefined : value['id'];
  const id = typeof own === 'number' ? String(own) : own;
  if (typeof id !== 'string' || id.trim() === '') return { sourceId: digestOf(value), value };
  if (id.length > longestId || !id.isWellFormed())
    throw new OptionError(`${name} must have an id of at most ${String(longestId)} characters of Unicode, got ${shown(id)}`);
  return { sourceId: id, value };
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > mostShown ? `${text.slice(0, mostShown).toWellFormed()}…` : text;
};

/** What is nested more than that is no description, and more than some readers of JSON take. */
const deepest = 100;
const isDeep = (value: unknown, level = 0): boolean =>
  typeof value === 'object' && value !== null && (level >= deepest || Object.values(value).some((member) => isDeep(member, level + 1)));

const isSeed = (value: unknown): value is SeedValue =>
  typeof value === 'string'
    ? value.trim() !== ''
    : typeof value === 'object' && value !== null && !Array.isArray(value) && topicOf(value as SeedValue).trim() !== '';

const digestOf = (value: SeedValue): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
