import { createHash } from 'node:crypto';
import type { SeedOrder } from './order.ts';
import { pathTo, type Step } from './step.ts';

/** A way that was chosen. */
export interface Selected {
  readonly id: string;
  readonly steps: readonly Step[];
}

/**
 * The ways that pairs are written of: those with the most that is new, found in the most ways, the deepest first. Where two are alike, a digest of what they are and the random seed decides, and so neither time nor the order of
 * others. A way adds nothing, and is left out, where all it found is in one that was chosen before.
 */
export function selectTrajectories(
  steps: readonly Step[],
  leaves: readonly number[],
  { sourceId, randomSeed, maxTrajectories }: Pick<SeedOrder, 'sourceId' | 'randomSeed' | 'maxTrajectories'>,
): readonly Selected[] {
  const ways = leaves
    .map((leaf) => pathTo(steps, leaf))
    .map((path) => ({ path, evidence: evidenceOf(path), id: idOf(sourceId, path) }))
    .filter(({ evidence }) => evidence.length > 0)
    .map((way) => ({ ...way, lot: digest(`${String(randomSeed)}/${way.id}`) }));
  const chosen: typeof ways = [];
  const seen = new Set<string>();
  for (let left = ways; left.length > 0 && chosen.length < maxTrajectories; ) {
    const ranked = left
      .map((way) => ({ way, score: scoreOf(way.evidence, seen) }))
      .filter(({ score }) => score !== undefined)
      .sort((a, b) => (b.score ?? 0) - (a.score ?? 0) || (a.way.lot < b.way.lot ? -1 : 1));
    const [best] = ranked;
    if (best === undefined) break;
    chosen.push(best.way);
    for (const step of best.way.evidence) seen.add(step.text);
    left = ranked.slice(1).map(({ way }) => way);
  }
  return chosen.map(({ id, path }) => ({ id, steps: path }));
}

/** The steps that found something, each text once. */
export const evidenceOf = (path: readonly Step[]): readonly Step[] =>
  path.filter((step, at) => isEvidence(step) && path.findIndex((one) => isEvidence(one) && one.text === step.text) === at);

const isEvidence = ({ error, text, foundNothing = false }: Step): boolean => error === undefined && !foundNothing && text.trim() !== '';

function scoreOf(evidence: readonly Step[], seen: ReadonlySet<string>): number | undefined {
  const fresh = evidence.filter(({ text }) => !seen.has(text));
  if (fresh.length === 0) return undefined;
  const tools = new Set(evidence.map(({ tool }) => tool)).size;
  const depth = evidence.at(-1)?.depth ?? 0;
  return fresh.length + tools + depth / 1_000;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

const idOf = (sourceId: string, path: readonly Step[]): string =>
  `t-${digest(JSON.stringify([sourceId, path.map(({ tool, input, text }) => [tool, input, text])])).slice(0, 16)}`;
