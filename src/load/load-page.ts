import { Html, html } from '../report/internal/html.ts';
import { msText, numberText, shareText } from '../report/internal/number-text.ts';
import { lengthText } from '../report/internal/progress-text.state.ts';
import { reportStyle } from '../report/internal/report-style.ts';
import { barTable, plainTable } from '../report/internal/report-tables.ts';
import { type StepPlot, stepPlot } from '../report/internal/step-plot.ts';
import { countedBy, timeRows } from './load-lines.ts';
import type { LoadReport } from './load-report.ts';

/** A load report as one page of HTML that needs nothing else, and may load nothing else. */
export function loadPage(report: LoadReport): string {
  const { target, startedAt, elapsedMs, causes, tasks, remarks, gpus } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Load on ${target.url}</title>
<style>${new Html(reportStyle)}</style>
</head>
<body>
<header><h1>Load on <bdi>${target.url}</bdi></h1>
<p class="soft">Started ${startedAt.replace('T', ' ').slice(0, 19)} UTC, ${lengthText(elapsedMs)}</p></header>
<main>
${cards(report)}
${remarks.length === 0 ? '' : html`<section class="box"><h3>To be known of these figures</h3><ul>${remarks.map((one) => html`<li><bdi>${one}</bdi></li>`)}</ul></section>`}
<section class="box"><dl class="facts">${Object.entries(facts(report)).map(([name, value]) => html`<dt>${name}</dt><dd><bdi>${value}</bdi></dd>`)}</dl></section>
<section><h2>Times</h2><div class="box">${plainTable(['', 'p50', 'p90', 'p99', 'mean', 'most'], timeRows(report).slice(1), new Set([1, 2, 3, 4, 5]))}</div></section>
<section><h2>The run</h2><div class="plots">${plots(report)}</div></section>
${
  tasks.failed === 0
    ? ''
    : html`<section><h2>Failures</h2><div class="box">${barTable(
        'cause',
        causes.map(({ cause, count }) => ({ value: cause, count })),
        tasks.failed,
      )}</div>
<div class="box failures"><h3>One of each</h3>${plainTable(
        ['cause', 'said'],
        causes.map(({ cause, example }) => [cause, example]),
        new Set(),
      )}</div></section>`
}
${gpus.length === 0 ? '' : html`<section><h2>GPUs of this machine</h2><div class="box">${gpuTable(report)}</div></section>`}
</main>
</body>
</html>
`.markup;
}

function facts({ target, plan, tokens, generator: { loopDelayMs, cpuShare } }: LoadReport): Readonly<Record<string, string>> {
  return {
    target: `${target.kind}${target.model === undefined ? '' : `, model ${target.model}`}`,
    ...plan,
    'tokens counted': countedBy({ tokens }),
    generator: `its loop was ${msText(loopDelayMs?.p99 ?? 0)} late (p99), it took ${shareText(cpuShare)} of a core`,
  };
}

function cards({ tasks, tasksPerSecond, tokens, firstTokenMs, latencyMs }: LoadReport): Html {
  const ended = tasks.completed + tasks.failed;
  const stopped = tasks.interrupted > 0 ? `${numberText(tasks.interrupted)} given up by the stop` : 'tasks';
  const all: readonly (readonly [name: string, value: string, beside: string, isBad?: boolean])[] = [
    ['completed', numberText(tasks.completed), stopped],
    ['failed', numberText(tasks.failed), ended === 0 ? '' : shareText(tasks.failed / ended), tasks.failed > 0],
    ['tasks a second', numberText(tasksPerSecond), 'completed, mean'],
    ['tokens a second', numberText(tokens.perSecond), `mean; ${numberText(tokens.peakPerSecond)} in the best second`],
    [
      'first token',
      firstTokenMs === undefined ? '–' : msText(firstTokenMs.p50),
      firstTokenMs === undefined ? '' : `median; p99 ${msText(firstTokenMs.p99)}`,
    ],
    [
      'latency',
      latencyMs === undefined ? '–' : msText(latencyMs.p50),
      latencyMs === undefined ? '' : `median; p99 ${msText(latencyMs.p99)}`,
    ],
  ];
  return html`<dl class="cards">${all.map(([name, value, beside, isBad]) => html`<div class="${isBad === true ? 'bad' : 'good'}"><dt>${name}</dt><dd>${value}<small>${beside}</small></dd></div>`)}</dl>`;
}

type Stretch = LoadReport['series']['stretches'][number];

function plots(report: LoadReport): readonly Html[] {
  const { series, elapsedMs, tasks, samples } = report;
  const { stretches, widthMs } = series;
  const time: Pick<StepPlot, 'stretches' | 'stretchName' | 'endText'> = {
    stretches: stretches.map(({ fromMs }) => (fromMs === 0 ? '0 s' : lengthText(fromMs))),
    stretchName: `from (${lengthText(widthMs)} each)`,
    endText: lengthText(elapsedMs),
  };
  const perSecond = (of: (one: Stretch) => number): readonly number[] =>
    stretches.map((one) => (of(one) * 1_000) / Math.max(Math.min(widthMs, elapsedMs - one.fromMs), widthMs / 4));
  const quantiles = (of: 'latencyMs' | 'firstTokenMs') =>
    (['p50', 'p90', 'p99'] as const).map((name) => ({ name, values: stretches.map((one) => one[of]?.[name]) }));
  return [
    stepPlot({
      ...{ title: 'Tasks a second', summary: 'tasks that ended, a second, over the run', kind: 'stack', valueText: numberText, ...time },
      parts: [
        { name: 'completed', values: perSecond(({ completed }) => completed) },
        ...(tasks.failed === 0 ? [] : [{ name: 'failed', values: perSecond(({ failed }) => failed) }]),
      ],
    }),
    stepPlot({
      ...{
        title: 'Tokens a second',
        summary: 'tokens of completed tasks, a second, when they came',
        kind: 'stack',
        valueText: numberText,
        ...time,
      },
      parts: [{ name: 'tokens', values: perSecond(({ tokens }) => tokens) }],
    }),
    stepPlot({
      ...{ title: 'Time to first token', summary: 'of tasks that ended in each stretch', kind: 'lines', valueText: msText, ...time },
      parts: quantiles('firstTokenMs'),
    }),
    stepPlot({
      ...{ title: 'Whole latency', summary: 'of tasks that ended in each stretch', kind: 'lines', valueText: msText, ...time },
      parts: quantiles('latencyMs'),
    }),
    stepPlot(byShare('Time to first token by share of tasks', samples.firstTokenMs.values)),
    stepPlot(byShare('Latency by share of tasks', samples.latencyMs.values)),
  ];
}

const shares = Array.from({ length: 101 }, (_, percent) => percent);

/** How many tasks took up to how long. */
function byShare(title: string, values: readonly number[]): StepPlot {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (percent: number): number | undefined => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  return {
    ...{ title, summary: 'the time within which each share of the tasks was', kind: 'lines', valueText: msText, stretchName: 'share' },
    parts: [{ name: 'time', values: shares.map(at) }],
    stretches: shares.map((percent) => `${String(percent)} %`),
  };
}

const gpuTable = ({ gpus }: LoadReport): Html =>
  plainTable(
    ['GPU', 'use, mean', 'use, most', 'memory, most', 'of'],
    gpus.map(({ index, useMean, useMax, memoryMaxBytes, memoryTotalBytes }) => [
      index,
      ...[useMean, useMax].map((one) => (one === undefined ? '–' : shareText(one))),
      ...[memoryMaxBytes, memoryTotalBytes].map((one) => (one === undefined ? '–' : `${(one / 2 ** 30).toFixed(1)} GiB`)),
    ]),
    new Set([1, 2, 3, 4]),
  );
