import type { Sample } from './machine-metrics.ts';

/** One look at `/metrics`: by name, the samples in their order. */
export type Reading = ReadonlyMap<string, readonly Sample[]>;

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

/** Reads Prometheus' text format; lines that are none of it are passed over. */
export function readMetrics(text: string): Reading {
  const found = new Map<string, Sample[]>();
  for (const one of text.split('\n')) {
    const [, name, labels = '', number] = line.exec(one) ?? [];
    if (name === undefined || number === undefined) continue;
    const value = number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : Number(number);
    const own = Object.fromEntries(
      [...labels.matchAll(label)].map(([, key = '', raw = '']) => [key, raw.replace(/\\(.)/g, (_, c: string) => escapes[c] ?? c)]),
    );
    const samples = found.get(name) ?? [];
    samples.push([value, own]);
    found.set(name, samples);
  }
  return found;
}

/** The sum of the samples that have these labels. */
export const sumOf = (reading: Reading, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  (reading.get(name) ?? [])
    .filter(([, own = {}]) => Object.entries(labels).every(([key, value]) => own[key] === value))
    .reduce((sum, [value]) => sum + value, 0);
