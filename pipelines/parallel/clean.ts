import { decodeText, type DecodeTextOptions, OptionError, RecordError, requireNumber } from 'millrace';

/** One pure step of cleaning: the same input gives the same output, and nothing else is touched. A throw fails its task alone. */
export type CleanStep<In, Out> = (value: In) => Out;

/** A row of fields. */
export type Fields = Readonly<Record<string, unknown>>;

export interface ScaleOptions {
  /** The interval of the data. */
  readonly from: readonly [least: number, most: number];
  /** @defaultValue [0, 1] */
  readonly to?: readonly [least: number, most: number];
  /** What is outside `from`: put on its edge, or an error. @defaultValue 'clamp' */
  readonly outside?: 'clamp' | 'error';
}

/** Bytes to text: by the byte order mark, else as `encoding` says, else by looking (`decodeText`); what is no text fails. Text stays as it is. */
function encoding(options: DecodeTextOptions = {}): CleanStep<Uint8Array | string, string> {
  decodeText(new Uint8Array(), options); // an encoding that nobody knows is refused here
  return (value) => (typeof value === 'string' ? value : decodeText(value, options).text);
}

/** Replaces what a pattern finds, everywhere in the text. The pattern is your code: one that backtracks without end holds everything up (see `isolated`). */
function regex(pattern: RegExp, replacement = ''): CleanStep<string, string> {
  const everywhere = pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`);
  return (text) => text.replaceAll(everywhere, replacement);
}

/** One blank for each run of white space, none at the ends; with `lines`, lines stay and empty ones beyond one go. */
function whitespace({ lines = false }: { readonly lines?: boolean } = {}): CleanStep<string, string> {
  if (!lines) return (text) => text.replaceAll(/\s+/gu, ' ').trim();
  return (text) =>
    text
      .replaceAll(/\r\n?/g, '\n')
      .replaceAll(/[^\S\n]+/gu, ' ')
      .replaceAll(/ ?\n ?/g, '\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim();
}

/** Takes fields away. */
function drop(...names: readonly string[]): CleanStep<Fields, Fields> {
  const gone = new Set(names);
  return (row) => Object.fromEntries(Object.entries(row).filter(([name]) => !gone.has(name)));
}

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '' || Number.isNaN(value);

/** Gives fields that are missing (absent, null, empty, NaN) a value, or what a function makes of the row. */
function fill(values: Readonly<Record<string, unknown>>): CleanStep<Fields, Fields> {
  return (row) => {
    const filled = { ...row };
    for (const [name, value] of Object.entries(values))
      if (isMissing(row[name])) filled[name] = typeof value === 'function' ? (value as (row: Fields) => unknown)(row) : value;
    return filled;
  };
}

/** Moves numbers from one interval to another. What is missing stays so; what is no number fails the task. */
function scale(fields: Readonly<Record<string, ScaleOptions>>): CleanStep<Fields, Fields> {
  for (const [name, { from, to = [0, 1] }] of Object.entries(fields)) {
    for (const one of [...from, ...to]) requireNumber(`clean.scale.${name}`, one, -Infinity);
    if (from[0] >= from[1]) throw new OptionError(`clean.scale.${name}.from must be [least, most], got [${from.join(', ')}]`);
  }
  return (row) => {
    const scaled = { ...row };
    for (const [name, options] of Object.entries(fields)) if (!isMissing(row[name])) scaled[name] = scaleOne(name, row[name], options);
    return scaled;
  };
}

function scaleOne(
  name: string,
  given: unknown,
  { from: [least, most], to: [low, high] = [0, 1], outside = 'clamp' }: ScaleOptions,
): number {
  const value = typeof given === 'string' ? Number(given) : given;
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new RecordError(
      'schema_violation',
      `expected a number in field ${name}, got ${typeof given === 'string' ? 'text that is none' : typeof given}`,
    );
  if (outside === 'error' && (value < least || value > most))
    throw new RecordError('schema_violation', `expected field ${name} in [${String(least)}, ${String(most)}], got ${String(value)}`);
  const share = (Math.min(most, Math.max(least, value)) - least) / (most - least);
  return low + share * (high - low);
}

/** Steps that clean inputs; `steps` puts them together. */
export const clean = { encoding, regex, whitespace, drop, fill, scale } as const;

/** Steps one after the other, as one. */
export function steps<A, B>(a: CleanStep<A, B>): CleanStep<A, B>;
export function steps<A, B, C>(a: CleanStep<A, B>, b: CleanStep<B, C>): CleanStep<A, C>;
export function steps<A, B, C, D>(a: CleanStep<A, B>, b: CleanStep<B, C>, c: CleanStep<C, D>): CleanStep<A, D>;
export function steps<A, B, C, D, E>(
  a: CleanStep<A, B>,
  b: CleanStep<B, C>,
  c: CleanStep<C, D>,
  d: CleanStep<D, E>,
  ...rest: readonly CleanStep<E, E>[]
): CleanStep<A, E>;
export function steps(...all: readonly CleanStep<never, unknown>[]): CleanStep<unknown, unknown> {
  return (value) => all.reduce((before: unknown, step) => (step as CleanStep<unknown, unknown>)(before), value);
}
