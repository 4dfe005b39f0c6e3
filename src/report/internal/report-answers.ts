import type { AnswerAggregate, RunAggregates } from '../run-snapshot.state.ts';
import { type Html, html } from './html.ts';
import { numberText } from './number-text.ts';
import { barTable, crossTable, inColumns, shownAnswers } from './report-tables.ts';
import { stepPlot } from './step-plot.ts';

/** How answers are spread: in all, by field and by time. */
export function answerSections({ answers, fields }: RunAggregates, items: number): readonly Html[] {
  return [
    ...answers.map(
      (all) => html`<section><h2>Answers: <bdi>${all.task}</bdi></h2><div class="box">${barTable('answer', all.values, items)}</div>
${all.byField.map((one) => html`<div class="box">${crossTable(all, one)}</div>`)}
${all.byTime.length < 2 ? '' : answersInTime(all)}</section>`,
    ),
    ...(fields.length === 0
      ? []
      : [
          html`<section><h2>Fields</h2>${fields.map(({ field, values }) => html`<div class="box">${barTable(field, values, items)}</div>`)}</section>`,
        ]),
  ];
}

function answersInTime({ task, values, byTime, timeUnit }: AnswerAggregate): Html {
  const shown = shownAnswers(values);
  const columns = byTime.map(({ counts }) => inColumns(counts, shown));
  return html`<div class="after">${stepPlot({
    title: `${task} by time`,
    summary: `answers of ${task} by the time of the items, from ${byTime[0]?.from ?? ''} to ${byTime.at(-1)?.from ?? ''}`,
    kind: 'stack',
    parts: shown.map((name, column) => ({ name, values: columns.map((counts) => counts[column] ?? 0) })),
    valueText: numberText,
    stretches: byTime.map(({ from }) => from),
    stretchName: timeUnit,
  })}</div>`;
}

/** Nothing where fewer than two times are known. */
export function itemsInTime({ time: { unit, items, dated, undated } }: RunAggregates, noun: string): Html {
  if (items.length < 2) return html``;
  return html`<section><h2>Over time</h2>${stepPlot({
    title: `${noun} by ${unit}`,
    summary: `${String(dated)} ${noun} by ${unit}, from ${items[0]?.from ?? ''} to ${items.at(-1)?.from ?? ''}${undated > 0 ? `; ${String(undated)} have no date` : ''}`,
    kind: 'stack',
    parts: [{ name: noun, values: items.map(({ count }) => count) }],
    valueText: numberText,
    stretches: items.map(({ from }) => from),
    stretchName: unit,
  })}${undated > 0 ? html`<p class="soft">${numberText(undated)} ${noun} have no date.</p>` : ''}</section>`;
}
