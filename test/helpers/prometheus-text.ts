/** One line of `/metrics` that carries a value. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedMetrics {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly ParsedSample[];
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelForm = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;
const valueForm = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;

function labelsIn(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const [whole = '', name = '', raw = ''] = labelForm.exec(rest) ?? [];
    if (whole === '') throw new Error(`expected name="value", got ${rest}`);
    if (name in found) throw new Error(`the label ${name} stands twice in ${text}`);
    found[name] = raw.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
    rest = rest.slice(whole.length);
  }
  return found;
}

/**
 * Reads Prometheus' text format 0.0.4 and accepts nothing else: HELP and TYPE once for each metric and before its samples, all
 * lines of a metric together, no series twice, counters that are finite and not negative, a line feed at the end.
 * @throws Error that names the first line which is wrong.
 */
export function parsePrometheus(text: string): ParsedMetrics {
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const series = new Set<string>();
  const samples: ParsedSample[] = [];
  let open = '';
  const enter = (name: string): void => {
    if (name === open) return;
    if (helps.has(name)) throw new Error(`${name} stands in two places`);
    open = name;
  };
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, kind, described = '', more = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      enter(described);
      if (helps.has(described) || !nameForm.test(described)) throw new Error(`a second or malformed HELP: ${line}`);
      helps.add(described);
    } else if (kind === 'TYPE') {
      if (described !== open || types.has(described) || !/^(counter|gauge)$/.test(more)) throw new Error(`a TYPE out of place: ${line}`);
      types.set(described, more);
    } else {
      const [, name = '', labelText = '', number = ''] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name !== open || !types.has(name)) throw new Error(`a sample out of place: ${line}`);
      if (!valueForm.test(number)) throw new Error(`not a number: ${line}`);
      const value = /inf/i.test(number) ? Number(`${number.startsWith('-') ? '-' : ''}Infinity`) : Number(number);
      if (types.get(name) === 'counter' && !(value >= 0 && value < Infinity)) throw new Error(`not a count: ${line}`);
      const labels = labelsIn(labelText);
      const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
      if (series.has(key)) throw new Error(`a series stands twice: ${line}`);
      series.add(key);
      samples.push({ name, labels, value });
    }
  }
  return { types, samples };
}
