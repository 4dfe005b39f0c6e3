import type { AnswerAggregate, ValueCounts } from '../run-snapshot.state.ts';
import { type Html, html } from './html.ts';
import { numberText, shareText } from './number-text.ts';
import { colours } from './step-plot.ts';

/** Rows of text under heads; `numbers` are the columns that are aligned right. */
export function plainTable(heads: readonly string[], rows: readonly (readonly string[])[], numbers: ReadonlySet<number>): Html {
  const kind = (column: number): string => (numbers.has(column) ? 'number' : 'text');
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${heads.map((head, column) => html`<th scope="col" class="${kind(column)}">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, column) => (column === 0 ? html`<th scope="row"><bdi>${cell}</bdi></th>` : html`<td class="${kind(column)}"><bdi>${cell}</bdi></td>`))}</tr>
`,
  )}</tbody></table></div>`;
}

/** Counts with a bar beside each; shares are of `of`, which may be less than their sum where an item has several values. */
export function barTable(name: string, counts: ValueCounts, of: number): Html {
  const most = Math.max(1, ...counts.map(({ count }) => count));
  const table = (
    rows: readonly Html[],
  ): Html => html`<div class="scroll" tabindex="0"><table class="bars"><thead><tr><th scope="col"><bdi>${name}</bdi></th><th scope="col" class="number">count</th><th scope="col" class="number">share</th><td class="bar"></td></tr></thead>
<tbody>${rows}</tbody></table></div>`;
  const rows = counts.map(
    ({
      value,
      count,
    }) => html`<tr><th scope="row"><bdi>${value}</bdi></th><td class="number">${numberText(count)}</td><td class="number">${shareText(count / Math.max(1, of))}</td>
<td class="bar" aria-hidden="true"><svg viewBox="0 0 100 10" preserveAspectRatio="none"><rect class="c0" width="${Math.round((count / most) * 1_000) / 10}" height="10"/></svg></td></tr>
`,
  );
  return firstRows(table, rows);
}

/** The first rows, and the others where they are asked for. */
function firstRows(table: (rows: readonly Html[]) => Html, rows: readonly Html[]): Html {
  if (rows.length <= 2 * rowsShown) return table(rows);
  return html`${table(rows.slice(0, rowsShown))}<details><summary>${rows.length - rowsShown} more</summary>${table(rows.slice(rowsShown))}</details>`;
}

const rowsShown = 10;
const mostColumns = colours - 1;

/** Names of the answers that get a colour and a column of their own; of the others there is one. */
export function shownAnswers(values: ValueCounts): readonly string[] {
  return values.length <= colours
    ? values.map(({ value }) => value)
    : [...values.slice(0, mostColumns).map(({ value }) => value), 'the rest'];
}

/** Counts in the order of {@link shownAnswers}. */
export function inColumns(counts: ValueCounts, shown: readonly string[]): readonly number[] {
  const columns = shown.map(() => 0);
  for (const { value, count } of counts) {
    const at = shown.indexOf(value);
    const column = at >= 0 ? at : shown.length - 1;
    columns[column] = (columns[column] ?? 0) + count;
  }
  return columns;
}

/** How the answers differ by a field: a row a value, with the shares as a bar. */
export function crossTable({ task, values }: AnswerAggregate, { field, rows }: AnswerAggregate['byField'][number]): Html {
  const shown = shownAnswers(values);
  const sorted = rows
    .map(({ value, counts }) => ({ value, columns: inColumns(counts, shown), sum: counts.reduce((all, { count }) => all + count, 0) }))
    .sort((a, b) => b.sum - a.sum);
  const table = (
    lines: readonly Html[],
  ): Html => html`<div class="scroll" tabindex="0"><table class="bars cross"><caption><bdi>${task}</bdi> by <bdi>${field}</bdi></caption><thead><tr><th scope="col"><bdi>${field}</bdi></th><td class="bar"></td>${shown.map(
    (name, column) => html`<th scope="col" class="number"><i class="swatch c${column % colours}"></i><bdi>${name}</bdi></th>`,
  )}</tr></thead>
<tbody>${lines}</tbody></table></div>`;
  return firstRows(
    table,
    sorted.map(
      ({ value, columns, sum }) =>
        html`<tr><th scope="row"><bdi>${value}</bdi></th><td class="bar" aria-hidden="true">${shareBar(columns, sum)}</td>${columns.map((count) => html`<td class="number">${numberText(count)}</td>`)}</tr>
`,
    ),
  );
}

function shareBar(columns: readonly number[], sum: number): Html {
  let from = 0;
  return html`<svg viewBox="0 0 100 10" preserveAspectRatio="none">${columns.map((count, column) => {
    const x = from;
    const share = (count / Math.max(1, sum)) * 100;
    from += share;
    return html`<rect class="c${column % colours}" x="${Math.round(x * 10) / 10}" width="${Math.round(share * 10) / 10}" height="10"/>`;
  })}</svg>`;
}
