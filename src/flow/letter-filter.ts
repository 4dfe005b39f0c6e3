import type { Letter, Place } from './letter.ts';

/** Which letters are meant; what is absent excludes none. */
export interface LetterFilter {
  readonly codes?: readonly string[];
  readonly pipeline?: string;
  readonly source?: Pick<Place, 'topic'> & Partial<Place>;
  /** Failed at this time or later, in milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Failed before this time. */
  readonly untilMs?: number;
}

export function passes(filter: LetterFilter, { code, pipeline, source, failedAtMs }: Letter): boolean {
  const { codes, source: from, sinceMs = -Infinity, untilMs = Infinity } = filter;
  return (
    (codes === undefined || codes.includes(code)) &&
    (filter.pipeline === undefined || filter.pipeline === pipeline) &&
    (from === undefined || isFrom(from, source)) &&
    failedAtMs >= sinceMs &&
    failedAtMs < untilMs
  );
}

const isFrom = (from: NonNullable<LetterFilter['source']>, source: Place): boolean =>
  from.topic === source.topic &&
  (from.partition === undefined || from.partition === source.partition) &&
  (from.offset === undefined || from.offset === source.offset);
