import { type Figure, type Ratio, ratiosOf, type Sample } from './block-bootstrap.ts';
import type { LoadReport } from './load-report.ts';

/** What became of one figure. */
export interface Change {
  readonly what: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly unit: 'ms' | '/s' | 'share';
  /** After / before, with its interval; of shares the difference. Undefined where there is too little to tell. */
  readonly interval: Ratio | undefined;
  readonly verdict: 'no difference' | 'better' | 'worse' | 'too small to matter' | 'too few to tell';
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** What was not the same in both, so that the figures may differ by that. */
  readonly otherwise: readonly string[];
  readonly confidence: number;
}

const least = { values: 20, blocks: 4, stretches: 8 } as const;
/** A change that is certain, and that nobody would act on. */
const matters = 0.05;
const falseAlarm = 0.05;
/** Figures with an interval: the risk of a false alarm is shared out among them. */
const figures = 9;

/** Which figures are other in the second report by more than chance, and by enough to matter. */
export function compareLoads(before: LoadReport, after: LoadReport): Comparison {
  const confidence = 1 - falseAlarm / figures;
  const times = (['firstTokenMs', 'perTokenMs', 'latencyMs'] as const).flatMap((name) => timeChanges(before, after, name, confidence));
  const rates = [
    rateChange('tasks a second', before, after, before.tasksPerSecond, after.tasksPerSecond, ({ completed }) => completed, confidence),
    rateChange('tokens a second', before, after, before.tokens.perSecond, after.tokens.perSecond, ({ tokens }) => tokens, confidence),
  ];
  return { changes: [...rates, ...times, failures(before, after)], otherwise: otherwise(before, after), confidence };
}

const names = { firstTokenMs: 'time to first token', perTokenMs: 'time per token', latencyMs: 'whole latency' } as const;

const shown = ['p50', 'p90'] as const;
const quantiles: readonly Figure[] = [0.5, 0.9].map(
  (share) => (sorted) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN,
);

function timeChanges(before: LoadReport, after: LoadReport, name: keyof typeof names, confidence: number): readonly Change[] {
  const samples = [before, after].map((report) => sampleOf(report, name));
  const [one, other] = samples;
  const isEnough = samples.every(({ values, block }) => values.length >= Math.max(least.values, least.blocks * block));
  const intervals = one && other && isEnough ? ratiosOf(one, other, quantiles, confidence) : [];
  return shown.map((quantile, index) => {
    const interval = intervals[index];
    const told = {
      what: `${names[name]}, ${quantile}`,
      before: before[name]?.[quantile],
      after: after[name]?.[quantile],
      unit: 'ms',
    } as const;
    return { ...told, interval, verdict: interval ? verdictOn(interval, 'less') : 'too few to tell' };
  });
}

function sampleOf({ samples, atOnce }: LoadReport, name: keyof typeof names): Sample {
  const { values, stride } = samples[name];
  return { values, block: Math.max(1, Math.ceil(atOnce / stride)) };
}

type Stretch = LoadReport['series']['stretches'][number];

function rateChange(
  what: string,
  before: LoadReport,
  after: LoadReport,
  rateBefore: number,
  rateAfter: number,
  of: (stretch: Stretch) => number,
  confidence: number,
): Change {
  const told = { what, before: rateBefore, after: rateAfter, unit: '/s' } as const;
  // the last stretch is not a whole one
  const [one, other] = [before, after].map(({ series }) =>
    series.stretches.slice(0, -1).map((stretch) => (of(stretch) * 1_000) / series.widthMs),
  );
  if (!one || !other || Math.min(one.length, other.length) < least.stretches)
    return { ...told, interval: undefined, verdict: 'too few to tell' };
  const mean: Figure = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const blocked = (report: LoadReport, values: readonly number[]): Sample => ({ values, block: stretchBlock(report, values.length) });
  const [interval] = ratiosOf(blocked(before, one), blocked(after, other), [mean], confidence);
  if (interval === undefined || !Number.isFinite(interval.ratio)) return { ...told, interval: undefined, verdict: 'too few to tell' };
  return { ...told, interval, verdict: verdictOn(interval, 'more') };
}

/** Stretches that one task may lie in. */
const stretchBlock = ({ series, latencyMs }: LoadReport, count: number): number =>
  Math.max(1, Math.min(Math.floor(count / least.blocks), Math.ceil((latencyMs?.p90 ?? 0) / series.widthMs)));

function verdictOn({ ratio, from, to }: Ratio, better: 'less' | 'more'): Change['verdict'] {
  if (!(from > 1) && !(to < 1)) return 'no difference';
  if (Math.abs(ratio - 1) < matters) return 'too small to matter';
  return ratio < 1 === (better === 'less') ? 'better' : 'worse';
}

/** Shares of failures, by Newcombe's interval of their difference. */
function failures(before: LoadReport, after: LoadReport): Change {
  const z = 2.773; // of 1 - falseAlarm / figures, on both sides
  const [one, other] = [before, after].map(({ tasks: { completed, failed } }) => wilson(failed, completed + failed, z));
  const what = 'share of failures';
  if (!one || !other) return { what, before: undefined, after: undefined, unit: 'share', interval: undefined, verdict: 'too few to tell' };
  const told = { what, before: one.share, after: other.share, unit: 'share' } as const;
  if (Math.min(one.count, other.count) < least.values) return { ...told, interval: undefined, verdict: 'too few to tell' };
  const ratio = other.share - one.share;
  const from = ratio - Math.hypot(other.share - other.from, one.to - one.share);
  const to = ratio + Math.hypot(other.to - other.share, one.share - one.from);
  const verdict = from > 0 ? 'worse' : to < 0 ? 'better' : 'no difference';
  return { ...told, interval: { ratio, from, to }, verdict };
}

function wilson(failed: number, count: number, z: number) {
  const share = count === 0 ? 0 : failed / count;
  const middle = (share + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half = (z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count))) / (1 + (z * z) / count);
  return { share, count, from: Math.max(0, middle - half), to: Math.min(1, middle + half) };
}

function otherwise(before: LoadReport, after: LoadReport): readonly string[] {
  const facts = ({ target, plan, isComplete }: LoadReport): Readonly<Record<string, string>> => ({
    ...{ target: target.url, kind: target.kind, model: target.model ?? 'not told' },
    ...plan,
    end: plan['end'] ?? '',
    'ran to its end': isComplete ? 'yes' : 'no',
  });
  const [one, other] = [facts(before), facts(after)];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((name) =>
    one[name] === other[name] ? [] : [`${name}: ${one[name] ?? 'none'} → ${other[name] ?? 'none'}`],
  );
}
