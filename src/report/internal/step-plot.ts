import { type Html, html } from './html.ts';

/** One line, or one layer of a stack. */
export interface PlotPart {
  readonly name: string;
  /** One a stretch; undefined: nothing was measured in it. */
  readonly values: readonly (number | undefined)[];
}

export interface StepPlot {
  readonly title: string;
  /** What the picture says, for who does not see it. */
  readonly summary: string;
  readonly kind: 'lines' | 'stack';
  readonly parts: readonly PlotPart[];
  /** How a value is written on the axis and in the table. */
  readonly valueText: (value: number) => string;
  /** What each stretch is called; the first, one in the middle and the last stand below. */
  readonly stretches: readonly string[];
  /** What the stretches are: `from`, `year`. */
  readonly stretchName: string;
  /** What stands below at the end instead of the last stretch. */
  readonly endText?: string;
}

const [width, height] = [1_000, 240];

/**
 * Values over stretches of time, as steps or as stacked columns, with axes, a legend and the table of all values. The picture is stretched to the width there is; its texts are not.
 */
export function stepPlot(plot: StepPlot): Html {
  const { title, summary, kind, parts, valueText, stretches } = plot;
  const top = niceTop(kind === 'lines' ? highest(parts.flatMap(({ values }) => values)) : highest(totals(parts, stretches.length)));
  const marks = [1, 0.75, 0.5, 0.25, 0];
  return html`<figure class="plot">
<figcaption>${title}${parts.length > 1 ? legend(parts, kind) : ''}</figcaption>
<div class="frame"><div class="y" aria-hidden="true">${marks.filter((mark) => mark * 2 === Math.round(mark * 2)).map((mark) => html`<span>${valueText(top * mark)}</span>`)}</div>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${summary}">
${marks.map((mark) => html`<line class="grid" x1="0" x2="${width}" y1="${round(height * (1 - mark))}" y2="${round(height * (1 - mark))}"/>`)}
${kind === 'lines' ? lines(parts, top) : stack(parts, top, stretches.length)}
</svg>
<div class="x" aria-hidden="true">${xLabels(plot).map((text) => html`<span>${text}</span>`)}</div></div>
${valueTable(plot)}
</figure>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const highest = (values: readonly (number | undefined)[]): number => values.reduce<number>((most, value = 0) => Math.max(most, value), 0);

/** The least round number that is not below. */
function niceTop(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= most * 0.999) ?? 10);
}

const totals = (parts: readonly PlotPart[], count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => parts.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));

function lines(parts: readonly PlotPart[], top: number): readonly Html[] {
  return parts.map(({ values }, part) => {
    const step = width / Math.max(1, values.length);
    const path = values
      .map((value, index) => {
        if (value === undefined) return '';
        const y = round(height * (1 - value / top));
        const begin = values[index - 1] === undefined ? `M${String(round(index * step))} ${String(y)}` : `V${String(y)}`;
        return `${begin}H${String(round((index + 1) * step))}`;
      })
      .join('');
    return html`<path class="line c${part % colours}" d="${path}"/>`;
  });
}

function stack(parts: readonly PlotPart[], top: number, count: number): readonly Html[] {
  const step = width / Math.max(1, count);
  const below = Array.from({ length: count }, () => 0);
  return parts.map(({ values }, part) => {
    const path = values
      .map((value = 0, index) => {
        if (!(value > 0)) return '';
        const from = below[index] ?? 0;
        below[index] = from + value;
        const [x, y] = [round(index * step), round(height * (1 - (from + value) / top))];
        const [right, bottom] = [round((index + 1) * step), round(height * (1 - from / top))];
        return `M${String(x)} ${String(bottom)}V${String(y)}H${String(right)}V${String(bottom)}Z`;
      })
      .join('');
    return html`<path class="layer c${part % colours}" d="${path}"/>`;
  });
}

/** As many as the style has. */
export const colours = 8;

const legend = (parts: readonly PlotPart[], kind: StepPlot['kind']): Html =>
  html`<span class="legend">${parts.map(({ name }, part) => html`<span><i class="${kind === 'lines' ? 'dash' : 'swatch'} c${part % colours}"></i><bdi>${name}</bdi></span>`)}</span>`;

function xLabels({ stretches, endText }: StepPlot): readonly string[] {
  const last = endText ?? stretches.at(-1) ?? '';
  if (stretches.length < 3) return [...new Set([stretches[0] ?? '', last])];
  return [stretches[0] ?? '', stretches[Math.floor(stretches.length / 2)] ?? '', last];
}

function valueTable({ title, parts, stretches, stretchName, valueText }: StepPlot): Html {
  return html`<details><summary>All values of “${title}”</summary><div class="scroll" tabindex="0"><table>
<thead><tr><th scope="col">${stretchName}</th>${parts.map(({ name }) => html`<th scope="col" class="number"><bdi>${name}</bdi></th>`)}</tr></thead>
<tbody>${stretches.map(
    (stretch, index) =>
      html`<tr><th scope="row">${stretch}</th>${parts.map(({ values }) => {
        const value = values[index];
        return html`<td class="number">${value === undefined ? '–' : valueText(value)}</td>`;
      })}</tr>
`,
  )}</tbody></table></div></details>`;
}
