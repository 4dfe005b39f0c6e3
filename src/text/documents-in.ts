import { stat, realpath } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type OptionNames, requireBoolean, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import { OptionError, requireInteger, requireOneOf, requireText } from '../errors.ts';
import type { DocumentSource } from './document-source.ts';
import { fileError, openFile } from './internal/file-bytes.ts';
import { type FileSettings, fileSources, type PileFormat, pileFormats, streamSources } from './internal/file-sources.ts';
import { folderFiles } from './internal/folder-files.ts';

export interface DocumentsInOptions {
  /** What files hold: `file` (each is one document), rows (`jsonl`, `csv`, `parquet`), or `auto`: rows by `.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.parquet`, else documents. @defaultValue auto */
  readonly format?: PileFormat | undefined;
  /** The field of a row that is its text. @defaultValue `text`, `content`, `body`, `document`, `article` or `message`, else all fields as `name: value` */
  readonly textField?: string | undefined;
  /** Of rows, as in `decodeText`. @defaultValue found in the first 64 KiB */
  readonly encoding?: string | undefined;
  /** Between fields of CSV: one character. @defaultValue found in the first line */
  readonly delimiter?: string | undefined;
  /** Whether files and folders whose names begin with a dot count. @defaultValue false */
  readonly hidden?: boolean | undefined;
  /** A folder below `input` that is left out: where the answers go. @defaultValue none */
  readonly except?: string | undefined;
  /** The most bytes of a file that is one document, unpacked. @defaultValue 128 MiB */
  readonly maxBytes?: number | undefined;
  /** The most bytes of a row; in Parquet as JSON. @defaultValue 16 MiB */
  readonly maxRowBytes?: number | undefined;
  /** The most bytes of a row group of Parquet, unpacked. @defaultValue 256 MiB */
  readonly maxGroupBytes?: number | undefined;
  /** How long the reader of Parquet may take for what comes next, mostly a row group. @defaultValue 60,000 */
  readonly timeoutMs?: number | undefined;
  /** What a stream is called. @defaultValue stdin */
  readonly name?: string | undefined;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

const names: OptionNames<DocumentsInOptions> = {
  ...{
    format: true,
    textField: true,
    encoding: true,
    delimiter: true,
    hidden: true,
    except: true,
    maxBytes: true,
    maxRowBytes: true,
    maxGroupBytes: true,
    timeoutMs: true,
    name: true,
    clock: true,
  },
};
const mebibyte = 1024 * 1024;

/**
 * The documents of a pile, one after the other: the files of a folder (with those below it, in the order of their names), a file, the rows of JSONL, CSV and Parquet, what a stream brings; each may
 * be gzipped (`.gz`). Nothing is read before it is asked for: holds the names of a folder, the row that is read, a row group of Parquet, however many documents there are.
 *
 * What cannot be read is a document, too, whose `read()` rejects with path, line and what to do, and the next one goes on: a line that is no JSON, a record with too many fields, a file without rights, a FIFO, a
 * link out of the folder. Links to files within the folder are documents of their own.
 *
 * Parquet is read in a process of its own, so that no file, whatever it does to its reader, holds up or ends this one.
 *
 * The pile ends with its source, whoever stops early has the file closed; a stream that fails ends it with a DocumentError.
 * @throws OptionError for options outside their ranges, and where there is nothing at `input`.
 */
export async function* documentsIn(input: string | Readable, options: DocumentsInOptions = {}): AsyncGenerator<DocumentSource, undefined> {
  const settings = settingsOf(options);
  if (input instanceof Readable) {
    yield* streamSources(input, options.name ?? 'stdin', settings);
    return undefined;
  }
  requireText('documentsIn.input', input);
  const found = await stat(input).catch((error: unknown) => {
    throw new OptionError(`documentsIn.input must be a folder, a file or a stream, got ${JSON.stringify(input)}, which cannot be read`, {
      cause: fileError(input, error),
    });
  });
  if (found.isDirectory()) {
    const { hidden: withHidden = false, except } = options;
    const left = except === undefined ? undefined : await realpath(except).catch(() => resolve(except));
    for await (const entry of folderFiles(await realpath(input), { withHidden, except: left })) {
      if ('failure' in entry) yield { id: entry.id, name: basename(entry.id), read: () => Promise.reject(entry.failure) };
      else yield* fileSources(entry.path, entry.id, settings);
    }
  } else {
    if (!found.isFile()) await openFile(input, input, true).then(({ file }) => file.close());
    yield* fileSources(await realpath(input), basename(input), settings);
  }
  return undefined;
}

function settingsOf(options: DocumentsInOptions): FileSettings {
  requireOptions('documentsIn', options, names);
  const {
    format = 'auto',
    textField,
    encoding,
    delimiter,
    hidden = false,
    maxBytes = 128 * mebibyte,
    maxRowBytes = 16 * mebibyte,
    maxGroupBytes = 256 * mebibyte,
    timeoutMs = 60_000,
    clock = systemClock,
  } = options;
  requireOneOf('documentsIn.format', format, pileFormats);
  if (textField !== undefined) requireText('documentsIn.textField', textField);
  if (delimiter !== undefined && (typeof delimiter !== 'string' || delimiter.length !== 1 || /["\r\n]/.test(delimiter))) {
    throw new OptionError(`documentsIn.delimiter must be one character, no quote and no line end, got ${JSON.stringify(delimiter)}`);
  }
  requireBoolean('documentsIn.hidden', hidden);
  if (options.except !== undefined) requireText('documentsIn.except', options.except);
  requireInteger('documentsIn.maxBytes', maxBytes, 1);
  requireInteger('documentsIn.maxRowBytes', maxRowBytes, 1);
  requireInteger('documentsIn.maxGroupBytes', maxGroupBytes, 1);
  requireInteger('documentsIn.timeoutMs', timeoutMs, 1);
  return { format, textField, encoding, delimiter, maxBytes, maxRowBytes, maxGroupBytes, timeoutMs, clock };
}
