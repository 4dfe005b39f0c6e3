import type { DocumentSource } from '../document-source.ts';
import { DocumentError, messageOf } from '../../errors.ts';
import { linesOf, type RowSettings } from './jsonl-rows.ts';
import { type ParquetBounds, parquetOutput } from './parquet-process.ts';
import { rowContent } from './row-content.ts';

/** Of bounds, one row group is held at a time. */
export type ParquetSettings = RowSettings & ParquetBounds;

/** A file of which the reader had to be ended more often is given up. */
const mostEnds = 3;

/** Where the reading is. */
interface Place {
  group: number;
  /** Of the next row, from 0 on. */
  row: number;
  /** Where its row group ends; `undefined` before the first. */
  to: number | undefined;
}

/**
 * A document a row; row groups are read one at a time, in a process of their own. A group that cannot be read is one document that cannot be read, and the next group goes on, in a new process where
 * the reader had to be ended.
 */
export async function* parquetRows(file: number | Uint8Array, settings: ParquetSettings): AsyncGenerator<DocumentSource, undefined> {
  const place: Place = { group: -1, row: 0, to: undefined };
  for (let ends = 1; ; ends += 1) {
    try {
      yield* rowsFrom(file, place, settings);
      return undefined;
    } catch (error) {
      if (place.to === undefined) throw noParquet(settings.id, messageOf(error), error);
      const isLast = ends === mostEnds;
      const reason = isLast
        ? `${messageOf(error)}; its reader was ended ${String(ends)} times, so what is behind them is not read`
        : messageOf(error);
      yield groupFailure(place, reason, settings, error);
      if (isLast) return undefined;
    }
  }
}

async function* rowsFrom(file: number | Uint8Array, place: Place, settings: ParquetSettings): AsyncGenerator<DocumentSource> {
  for await (const { bytes } of linesOf(parquetOutput(file, place.group + 1, settings), settings.maxRowBytes)) {
    const kind = bytes === undefined ? 'r' : String.fromCharCode(bytes[0] ?? 0);
    const said = bytes?.subarray(1);
    if (kind === 'g') {
      const [from, to] = JSON.parse(String(said)) as readonly [number, number];
      place.group += 1;
      [place.row, place.to] = [from, to];
    } else if (kind === 'x') yield groupFailure(place, textOf(said), settings);
    else if (kind === 'f') throw noParquet(settings.id, textOf(said));
    else {
      place.row += 1;
      yield sourceOf(said === undefined ? undefined : Buffer.from(said), kind === 'p', place.row, settings);
    }
  }
}

const textOf = (said: Buffer | undefined): string => JSON.parse(String(said)) as string;

const noParquet = (id: string, reason: string, cause?: unknown): DocumentError =>
  new DocumentError(`${id}: expected a Parquet file, got one whose footer cannot be read (${reason}); write it anew`, { cause });

function groupFailure({ row, to = row }: Place, reason: string, { id, name }: ParquetSettings, cause?: unknown): DocumentSource {
  const failure = new DocumentError(`${id}: the rows from ${String(row + 1)} to ${String(to)} cannot be read (${reason})`, { cause });
  return { id: `${id}#${String(row + 1)}-${String(to)}`, name, line: row + 1, read: () => Promise.reject(failure) };
}

function sourceOf(json: Buffer | undefined, isProblem: boolean, number: number, settings: ParquetSettings): DocumentSource {
  const { id, name, textField, maxRowBytes } = settings;
  const where = `${id}#${String(number)}`;
  const read = (): ReturnType<typeof rowContent> => {
    if (json === undefined)
      throw new DocumentError(
        `${where}: expected a row of at most ${String(maxRowBytes)} bytes as JSON, got a longer one; raise maxRowBytes`,
      );
    if (isProblem) throw new DocumentError(`${where}: the row cannot be read (${textOf(json)})`);
    return rowContent(JSON.parse(json.toString()) as unknown, where, textField);
  };
  return { id: where, name, line: number, read: () => Promise.resolve().then(read) };
}
