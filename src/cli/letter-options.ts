import { OptionError } from '../errors.ts';
import type { LetterFilter } from '../flow/letter-filter.ts';
import type { GivenOptions } from '../command.ts';

/** Which letters are meant; the same for all commands on dead letters. */
export const letterOptions = {
  code: { kind: 'text', value: 'code,…', summary: 'only with one of these error codes' },
  pipeline: { kind: 'text', value: 'name', summary: 'only of this pipeline' },
  source: { kind: 'text', value: 'topic', summary: 'only of records from there: topic, topic/partition or topic/partition@offset' },
  since: { kind: 'text', value: 'time', summary: 'only failed then or later: 2026-01-31T12:00Z, or 90s, 30m, 2h, 7d ago' },
  until: { kind: 'text', value: 'time', summary: 'only failed before then' },
} as const;

/** @throws OptionError that says what was expected */
export function letterFilter(given: GivenOptions<typeof letterOptions>, nowMs: number): LetterFilter {
  const { code, pipeline, source, since, until } = given;
  const sinceMs = since === undefined ? undefined : timeOf('--since', since, nowMs);
  const untilMs = until === undefined ? undefined : timeOf('--until', until, nowMs);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs)
    throw new OptionError(`--since must be before --until, got ${new Date(sinceMs).toISOString()} and ${new Date(untilMs).toISOString()}`);
  return {
    ...(code === undefined ? {} : { codes: code.split(',').map((one) => one.trim()) }),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(source === undefined ? {} : { source: sourceOf(source) }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

function sourceOf(text: string): NonNullable<LetterFilter['source']> {
  const [, topic, partition, offset] = /^([\w.-]+)(?:\/(\d{1,9})(?:@(\d{1,18}))?)?$/.exec(text) ?? [];
  if (topic === undefined)
    throw new OptionError(`--source must be topic, topic/partition or topic/partition@offset, got ${JSON.stringify(text)}`);
  return {
    topic,
    ...(partition === undefined ? {} : { partition: Number(partition) }),
    ...(offset === undefined ? {} : { offset: BigInt(offset) }),
  };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeOf(name: string, text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (unitMs[unit] ?? 0);
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new OptionError(`${name} must be a time such as 2026-01-31T12:00Z, or a length such as 30m, 2h, 7d, got ${JSON.stringify(text)}`);
  return atMs;
}
