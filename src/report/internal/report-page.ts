import type { RunSnapshot } from '../run-snapshot.state.ts';
import type { RunReport } from '../run-report.ts';
import type { Distribution } from './histogram.state.ts';
import { Html, html } from './html.ts';
import { msText, numberText, shareText } from './number-text.ts';
import { lengthText } from './progress-text.state.ts';
import { answerSections, itemsInTime } from './report-answers.ts';
import { reportStyle } from './report-style.ts';
import { barTable, plainTable } from './report-tables.ts';
import { runPlots } from './run-plots.ts';

/** A report as one page of HTML that needs nothing else, and may load nothing else. */
export function reportPage({ title, noun = 'items', facts = {}, run }: RunReport): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(reportStyle)}</style>
</head>
<body>
<header><h1><bdi>${title}</bdi></h1>
<p class="soft">Started ${run.startedAt.replace('T', ' ').slice(0, 19)} UTC, ${lengthText(run.elapsedMs)}</p></header>
<main>
${cards(run, noun)}
${Object.keys(facts).length === 0 ? '' : html`<section class="box"><dl class="facts">${Object.entries(facts).map(([name, value]) => html`<dt><bdi>${name}</bdi></dt><dd><bdi>${String(value)}</bdi></dd>`)}</dl></section>`}
<section><h2>The run</h2><div class="plots">${runPlots(run, noun)}</div></section>
<section><h2>Figures</h2><div class="box">${figures(run, noun)}</div></section>
${run.failed === 0 ? '' : failures(run)}
${answerSections(run.aggregates, run.done + run.failed)}
${itemsInTime(run.aggregates, noun)}
</main>
</body>
</html>
`.markup;
}

function cards(run: RunSnapshot, noun: string): Html {
  const { done, failed, total, doneBefore, elapsedMs, tokens, calls, reused, processingMs } = run;
  const ended = done + failed;
  const all: readonly (readonly [name: string, value: string, beside: string, isBad?: boolean])[] = [
    [
      'done',
      numberText(done),
      `${total === undefined ? '' : `of ${numberText(total)} `}${noun}${doneBefore > 0 ? `; ${numberText(doneBefore)} before` : ''}`,
    ],
    ['failed', numberText(failed), ended === 0 ? '' : shareText(failed / ended), failed > 0],
    ['throughput', `${numberText(elapsedMs > 0 ? (ended * 1_000) / elapsedMs : 0)}/s`, `${noun}, mean of the run`],
    [
      'processing time',
      processingMs === undefined ? '–' : msText(processingMs.p50),
      processingMs === undefined ? '' : `median; p95 ${msText(processingMs.p95)}`,
    ],
    ['tokens', numberText(tokens.input + tokens.output), `${numberText(tokens.input)} in, ${numberText(tokens.output)} out`],
    ['calls', numberText(calls), reused === 0 ? 'of models' : `and ${numberText(reused)} answered from before`],
  ];
  return html`<dl class="cards">${all.map(([name, value, beside, isBad]) => html`<div class="${isBad === true ? 'bad' : 'good'}"><dt>${name}</dt><dd>${value}<small>${beside}</small></dd></div>`)}</dl>`;
}

function figures({ processingMs, throughput, errorRate, tokens }: RunSnapshot, noun: string): Html {
  const row = (name: string, given: Distribution | undefined, text: (value: number) => string): readonly string[] =>
    given === undefined
      ? [name, ...Array.from({ length: 6 }, () => '–')]
      : [name, ...[given.last, given.mean, given.p50, given.p95, given.p99, given.max].map(text)];
  return plainTable(
    ['', 'last', 'mean', 'p50', 'p95', 'p99', 'most'],
    [
      row('processing time', processingMs, msText),
      row(`${noun} a second`, throughput, numberText),
      row('share of failures', errorRate, shareText),
      row(`tokens each`, tokens.perItem, numberText),
    ],
    new Set([1, 2, 3, 4, 5, 6]),
  );
}

function failures({ errors, failures: first, failed }: RunSnapshot): Html {
  return html`<section><h2>Failures</h2><div class="box">${barTable('code', errors, failed)}</div>
<div class="box failures"><h3>The first ${first.length}</h3>${plainTable(
    ['item', 'code', 'message'],
    first.map(({ id, code, message }) => [id, code, message]),
    new Set(),
  )}</div></section>`;
}
