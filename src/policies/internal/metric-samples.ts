export interface MetricSample {
  readonly name: string;
  /** As they stand between the braces; see {@link labelsOf}. */
  readonly labels: string;
  /** NaN for what is no number of 0 or more. */
  readonly value: number;
}

const sample = /^[\w:]+\s*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s*(\S*)/;
const label = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;

/**
 * The samples of some metrics in a page of Prometheus' text format, one after the other; a line that cannot be read, as of a page that was cut off, is
 * a sample without a number. Takes time in proportion to the page.
 */
export function* metricSamples(text: string, names: ReadonlySet<string>): Generator<MetricSample> {
  for (let from = 0, to = 0; from < text.length; from = to + 1) {
    to = text.indexOf('\n', from);
    if (to < 0) to = text.length;
    const line = text.slice(from, to).trim();
    const [name = ''] = /^[\w:]*/.exec(line) ?? [];
    if (!names.has(name)) continue;
    const [, labels = '', value] = sample.exec(line) ?? [];
    const number = Number(value === '' ? undefined : value);
    yield {
      name,
      labels,
      value: Number.isFinite(number) && number >= 0 ? number : Number.NaN,
    };
  }
}

export const labelsOf = (labels: string): ReadonlyMap<string, string> =>
  new Map(Array.from(labels.matchAll(label), ([, key = '', value = '']) => [key, value]));
