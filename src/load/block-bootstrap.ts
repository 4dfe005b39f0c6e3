import { seededRandom } from '../inference/scripted/seeded-random.ts';

/** Values in the order of time. */
export interface Sample {
  readonly values: readonly number[];
  /** Neighbours that may have something in common: they are drawn together. */
  readonly block: number;
}

/** A ratio, and where it lies with the confidence that was asked for. */
export interface Ratio {
  readonly ratio: number;
  readonly from: number;
  readonly to: number;
}

const draws = 2_000;

/** A figure of values in ascending order. */
export type Figure = (sorted: Float64Array) => number;

/**
 * By how much each figure is other in the second sample, with an interval: both are drawn anew two thousand times, in blocks of neighbours (a moving block bootstrap), because tasks that ran
 * together were slow or fast together, and taken one by one they would seem to know more than they do. The same samples give the same intervals.
 * @param confidence of each interval, such as 0.99
 */
export function ratiosOf(before: Sample, after: Sample, figures: readonly Figure[], confidence: number): readonly Ratio[] {
  const random = seededRandom(1, 'bootstrap');
  const drawn = figures.map(() => new Float64Array(draws));
  for (let draw = 0; draw < draws; draw += 1) {
    const [one, other] = [resampled(before, random), resampled(after, random)];
    for (const [index, figure] of figures.entries()) drawn[index]?.fill(figure(other) / figure(one), draw, draw + 1);
  }
  const [one, other] = [sorted(before.values), sorted(after.values)];
  return figures.map((figure, index) => {
    const ratio = figure(other) / figure(one);
    const ratios = drawn[index]?.sort();
    const at = (share: number): number => ratios?.[Math.min(draws - 1, Math.max(0, Math.round(share * (draws - 1))))] ?? Number.NaN;
    // of few values the draws may all lie on one side of what was measured
    return { ratio, from: Math.min(ratio, at((1 - confidence) / 2)), to: Math.max(ratio, at((1 + confidence) / 2)) };
  });
}

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

/** The last value is followed by the first: so each is drawn as often as any other. */
function resampled({ values, block }: Sample, random: () => number): Float64Array {
  const made = new Float64Array(values.length);
  for (let at = 0; at < made.length; ) {
    const from = Math.floor(random() * values.length);
    for (let n = 0; n < block && at < made.length; n += 1, at += 1) made[at] = values[(from + n) % values.length] ?? 0;
  }
  return made.sort();
}
