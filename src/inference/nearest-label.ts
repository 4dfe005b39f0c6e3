/** A text's embedding, and what the text is. */
export interface LabelledVector<L extends string> {
  readonly label: L;
  readonly vector: Float32Array;
}

/** What neighbours say. */
export interface Voted<L extends string> {
  readonly label: L;
  /** Share of each label among the votes, 0 to 1. */
  readonly probabilities: Readonly<Record<L, number>>;
}

/**
 * The label for which the nearest examples vote, each as strongly as it is near. All vectors are taken relative to the
 * examples' mean, in units of their spread: texts of one kind point the same way, and only the rest tells them apart.
 * @param examples at least one
 * @param neighbours how many vote
 */
export function nearestLabel<L extends string>(
  examples: readonly LabelledVector<L>[],
  neighbours: number,
): (vector: Float32Array) => Voted<L> {
  const directionOf = standardized(examples.map(({ vector }) => vector));
  const placed = examples.map(({ label, vector }) => ({ label, vector: directionOf(vector) }));
  const labels = [...new Set(examples.map(({ label }) => label))];
  return (vector) => {
    const own = directionOf(vector);
    const near = placed
      .map((one) => ({ label: one.label, nearness: dot(one.vector, own) }))
      .sort((a, b) => b.nearness - a.nearness)
      .slice(0, neighbours);
    const votes = new Map<L, number>();
    for (const { label, nearness } of near) votes.set(label, (votes.get(label) ?? 0) + Math.max(0, nearness));
    const [best = ['' as L, 0] as const] = [...votes].sort(([, a], [, b]) => b - a); // of equal ones that of the nearest
    const sum = [...votes.values()].reduce((a, b) => a + b, 0);
    const shareOf = (label: L): number => (sum > 0 ? (votes.get(label) ?? 0) / sum : 1 / labels.length);
    return { label: best[0], probabilities: Object.fromEntries(labels.map((label) => [label, shareOf(label)])) as Record<L, number> };
  };
}

/** A dimension in which all examples are alike says nothing, and would be blown up. */
const leastSpread = 1e-4;

/** From the mean of `vectors` to a vector, each dimension in units of its spread, with length 1 (0 at the mean itself). */
function standardized(vectors: readonly Float32Array[]): (vector: Float32Array) => Float32Array {
  const mean = meanOf(vectors);
  const variance = meanOf(vectors.map((vector) => vector.map((x, i) => (x - (mean[i] ?? 0)) ** 2)));
  const spread = variance.map((x) => Math.sqrt(x) + leastSpread);
  return (vector) => {
    const difference = vector.map((x, i) => (x - (mean[i] ?? 0)) / (spread[i] ?? 1));
    const length = Math.hypot(...difference);
    return length > 0 ? difference.map((x) => x / length) : difference;
  };
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (const [i, x] of vector.entries()) mean[i] = (mean[i] ?? 0) + x / vectors.length;
  return mean;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
