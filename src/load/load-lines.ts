import { msText, numberText, shareText } from '../report/internal/number-text.ts';
import { lengthText } from '../report/internal/progress-text.state.ts';
import type { LoadReport } from './load-report.ts';
import type { Spread } from './spread.state.ts';

/** The times of a report, and what each is. */
const timesOf = (report: LoadReport): readonly (readonly [name: string, spread: Spread | undefined])[] => [
  ['time to first token', report.firstTokenMs],
  ['gap between tokens', report.tokenGapMs],
  ['gap between chunks', report.chunkGapMs],
  ['time per token', report.perTokenMs],
  ['whole latency', report.latencyMs],
  ...((report.tasks.late > 0 && report.plan['load']?.startsWith('open') === true
    ? [['latency from its sending', report.serviceMs]]
    : []) as [string, Spread | undefined][]),
];

/** Rows of a table, the first its heads. */
export const timeRows = (report: LoadReport): readonly (readonly string[])[] => [
  ['', 'p50', 'p90', 'p99', 'mean', 'most'],
  ...timesOf(report).map(([name, spread]) => [
    name,
    ...(spread === undefined ? ['–', '–', '–', '–', '–'] : [spread.p50, spread.p90, spread.p99, spread.mean, spread.max].map(msText)),
  ]),
];

/** What came of it, a line each. */
export function loadLines(report: LoadReport): readonly string[] {
  const { tasks, causes, tokens, elapsedMs, tasksPerSecond, gpus, target, plan } = report;
  const given = tasks.interrupted > 0 ? `, ${numberText(tasks.interrupted)} given up by the stop` : '';
  return [
    `${target.url} (${target.kind}${target.model === undefined ? '' : `, ${target.model}`}); ${plan['load'] ?? ''}, ${plan['end'] ?? ''}`,
    `${numberText(tasks.completed)} completed, ${numberText(tasks.failed)} failed${given}, in ${lengthText(elapsedMs)}`,
    ...causes.map(({ cause, count, example }) => `  ${numberText(count)} × ${cause}: ${example.replaceAll(/\s+/g, ' ').slice(0, 160)}`),
    `QPS ${numberText(tasksPerSecond)}; tokens/s ${numberText(tokens.perSecond)} mean, ${numberText(tokens.peakPerSecond)} peak; ${numberText(tokens.completed)} tokens, ${countedBy(report)}`,
    ...gpus.map(
      ({ index, useMean, useMax, memoryMaxBytes, memoryTotalBytes }) =>
        `GPU ${index}: use ${share(useMean)} mean, ${share(useMax)} most; memory ${gib(memoryMaxBytes)} of ${gib(memoryTotalBytes)}`,
    ),
  ];
}

/** Who said how many tokens there were. */
export function countedBy({ tokens: { countedBy: by } }: Pick<LoadReport, 'tokens'>): string {
  const parts = [
    ...(by.usage > 0 ? ["by the server's usage"] : []),
    ...(by.server > 0 ? ["by the server's count of each chunk"] : []),
    ...(by.chunks > 0 ? ['by chunks'] : []),
  ];
  return parts.length === 0 ? 'none counted' : parts.join(' and ');
}

const share = (value: number | undefined): string => (value === undefined ? '–' : shareText(value));
const gib = (bytes: number | undefined): string => (bytes === undefined ? '–' : `${(bytes / 2 ** 30).toFixed(1)} GiB`);
