import type { RunBucket, RunSnapshot } from '../run-snapshot.state.ts';
import type { Distribution } from './histogram.state.ts';
import type { Html } from './html.ts';
import { msText, numberText, shareText } from './number-text.ts';
import { lengthText } from './progress-text.state.ts';
import { type StepPlot, stepPlot } from './step-plot.ts';

/** How the run went, over its time. */
export function runPlots(run: RunSnapshot, noun: string): readonly Html[] {
  const time = timeOf(run);
  const { tokens, failed } = run;
  return [
    throughput(run, noun),
    processingTimes(run, noun),
    ...(tokens.input + tokens.output === 0 ? [] : [tokensPerSecond(run)]),
    ...(failed === 0 ? [] : [failures(run)]),
  ].map((plot) => stepPlot({ ...plot, ...time }));
}

type Plot = Omit<StepPlot, 'stretches' | 'stretchName' | 'endText'>;

const timeOf = ({ series: { bucketMs, buckets }, elapsedMs }: RunSnapshot): Omit<StepPlot, keyof Plot> => ({
  stretches: buckets.map(({ fromMs }) => (fromMs === 0 ? '0 s' : lengthText(fromMs))),
  stretchName: `from (${lengthText(bucketMs)} each)`,
  endText: lengthText(elapsedMs),
});

/** As the throughput of a stretch is counted. */
function perSecond({ series: { bucketMs, buckets }, elapsedMs }: RunSnapshot, count: (bucket: RunBucket) => number): readonly number[] {
  return buckets.map((bucket) => {
    const lengthMs = Math.min(bucketMs, elapsedMs - bucket.fromMs);
    return (count(bucket) * 1_000) / Math.max(lengthMs, bucketMs / 4);
  });
}

const throughput = (run: RunSnapshot, noun: string): Plot => ({
  title: `${noun.charAt(0).toUpperCase()}${noun.slice(1)} a second`,
  summary: `${noun} a second over the run: ${spread(run.throughput, numberText)}`,
  kind: 'stack',
  parts: [
    { name: 'done', values: perSecond(run, ({ done }) => done) },
    ...(run.failed === 0 ? [] : [{ name: 'failed', values: perSecond(run, ({ failed }) => failed) }]),
  ],
  valueText: numberText,
});

const processingTimes = ({ series, processingMs }: RunSnapshot, noun: string): Plot => ({
  title: 'Processing time',
  summary: `processing time of ${noun} over the run: ${spread(processingMs, msText)}`,
  kind: 'lines',
  parts: (['p50', 'p95'] as const).map((name) => ({ name, values: series.buckets.map((bucket) => bucket.processingMs?.[name]) })),
  valueText: msText,
});

const tokensPerSecond = (run: RunSnapshot): Plot => ({
  title: 'Tokens a second',
  summary: `tokens a second over the run; ${numberText(run.tokens.input)} in and ${numberText(run.tokens.output)} out in all`,
  kind: 'stack',
  parts: [
    { name: 'input', values: perSecond(run, ({ inputTokens }) => inputTokens) },
    { name: 'output', values: perSecond(run, ({ outputTokens }) => outputTokens) },
  ],
  valueText: numberText,
});

const failures = ({ series }: RunSnapshot): Plot => ({
  title: 'Share of failures',
  summary: 'share of the items that failed, over the run',
  kind: 'lines',
  parts: [{ name: 'failed', values: series.buckets.map(({ errorRate }) => errorRate) }],
  valueText: shareText,
});

const spread = (given: Distribution | undefined, text: (value: number) => string): string =>
  given === undefined
    ? 'none measured'
    : `mean ${text(given.mean)}, median ${text(given.p50)}, 95 % below ${text(given.p95)}, at most ${text(given.max)}`;
