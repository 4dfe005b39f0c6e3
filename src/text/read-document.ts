import { isUint8Array } from 'node:util/types';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import { DocumentError, OptionError, requireInteger } from '../errors.ts';
import { decodeText } from './decode-text.ts';
import { breaks } from './internal/breaks.ts';
import { htmlText } from './internal/html-text.ts';
import { markdownText } from './internal/markdown-text.ts';
import { type DocumentMediaType, looksLikeHtml, looksLikePdf, saidMediaType } from './internal/media-type.ts';
import { pdfText } from './internal/pdf-text.ts';
import type { ReadText } from './internal/read-text.ts';

export interface ReadDocumentOptions {
  /** Its name or path; the extension says what it is. */
  readonly name?: string | undefined;
  /** What it is, before its name: `text/plain`, `text/markdown`, `text/html`, `application/pdf`; another one is looked at as if none were given. */
  readonly mediaType?: string | undefined;
  /** As in `decodeText`. @defaultValue found by looking */
  readonly encoding?: string | undefined;
  /** The most bytes of a document. @defaultValue 128 MiB */
  readonly maxBytes?: number | undefined;
  /** How long the text of a PDF may take. @defaultValue 60,000 */
  readonly timeoutMs?: number | undefined;
  /** How much memory the text of a PDF may take, in MiB: of the heap, and as much outside of it. @defaultValue 512 */
  readonly maxMemoryMb?: number | undefined;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

export interface ReadDocument {
  /** Not normalised: `normaliseText` is the next step. */
  readonly text: string;
  readonly mediaType: DocumentMediaType;
  /** Of text; PDFs have none. */
  readonly encoding?: string;
  /** As the document itself says it: of a page, a PDF, the front matter or first heading of Markdown. */
  readonly title?: string;
  /** What was guessed, replaced or left out, in words. */
  readonly warnings: readonly string[];
}

const names: OptionNames<ReadDocumentOptions> = {
  ...{ name: true, mediaType: true, encoding: true, maxBytes: true, timeoutMs: true, maxMemoryMb: true, clock: true },
};
const mebibyte = 1024 * 1024;

/**
 * The text of a document: plain text, Markdown (without marks and front matter), HTML (without scripts, styles and navigation; lists and tables readable), PDF (its text layer; pictures of text are
 * no text). What it is follows from `mediaType`, the name, and its first bytes, which decide against a name that is wrong.
 *
 * PDFs are read in a process of their own, which is ended after `timeoutMs` or above `maxMemoryMb`; the others take time that grows with their length, and give the event loop its turn. Holds the bytes and
 * about three times the text.
 * @throws DocumentError (`unreadable_document`) for what is no text, too large, encrypted, damaged beyond reading, or takes too long, with what was seen and what to do.
 * @throws OptionError for options outside their ranges.
 */
export async function readDocument(bytes: Uint8Array, options: ReadDocumentOptions = {}): Promise<ReadDocument> {
  requireOptions('readDocument', options, names);
  const { name, mediaType, encoding, maxBytes = 128 * mebibyte, timeoutMs = 60_000, maxMemoryMb = 512, clock = systemClock } = options;
  if (!isUint8Array(bytes)) throw new OptionError(`readDocument takes bytes (a Uint8Array or Buffer), got ${typeof bytes}`);
  requireInteger('readDocument.maxBytes', maxBytes, 1);
  requireInteger('readDocument.timeoutMs', timeoutMs, 1);
  requireInteger('readDocument.maxMemoryMb', maxMemoryMb, 32);
  if (bytes.length > maxBytes) {
    throw new DocumentError(
      `expected a document of at most ${String(maxBytes)} bytes, got one of ${String(bytes.length)}; split it, or raise maxBytes`,
    );
  }
  const said = saidMediaType(name, mediaType);
  if (looksLikePdf(bytes) && said !== 'text/html' && said !== 'text/markdown') {
    return { mediaType: 'application/pdf', ...(await pdfText(bytes, { timeoutMs, maxMemoryMb, clock })) };
  }
  const decoded = decodeText(bytes, { encoding });
  const seen =
    said === 'application/pdf' || said === undefined || said === 'text/plain'
      ? looksLikeHtml(decoded.text)
        ? 'text/html'
        : 'text/plain'
      : said;
  const read = await textOf(decoded.text, seen, clock);
  const warnings = [
    ...(said === 'application/pdf' ? [`the name says PDF, but it is ${seen}`] : []),
    ...(decoded.replaced > 0 ? [`${String(decoded.replaced)} places are no ${decoded.encoding} and were replaced`] : []),
    ...read.warnings,
  ];
  return { ...read, mediaType: seen, encoding: decoded.encoding, warnings };
}

async function textOf(text: string, mediaType: DocumentMediaType, clock: Clock): Promise<ReadText> {
  if (mediaType === 'text/html') return htmlText(text, breaks(clock));
  if (mediaType === 'text/markdown') return markdownText(text);
  return { text, warnings: [] };
}
