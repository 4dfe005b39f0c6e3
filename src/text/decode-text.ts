import { isUtf8 } from 'node:buffer';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { DocumentError, OptionError, requireText } from '../errors.ts';
import { binaryKind } from './internal/binary-kind.ts';
import { guessByLanguage, guessUtf16, isMostlyUtf8, looksBinary } from './internal/guess-encoding.ts';

export interface DecodeTextOptions {
  /** A label of the WHATWG Encoding Standard (`utf-8`, `shift_jis`, `windows-1251`, `gb18030`, …). A byte order mark decides before it. @defaultValue found by looking */
  readonly encoding?: string | undefined;
}

export interface DecodedText {
  /** Without its byte order mark; line ends as they were. */
  readonly text: string;
  /** The name of the encoding in the WHATWG Encoding Standard, in lower case: `iso-8859-1` is `windows-1252` there. */
  readonly encoding: string;
  /** How many places were no characters in this encoding and are U+FFFD in the text. */
  readonly replaced: number;
}

const names: OptionNames<DecodeTextOptions> = { encoding: true };
const marks: readonly (readonly [readonly number[], string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe, 0, 0], 'utf-32le'],
  [[0, 0, 0xfe, 0xff], 'utf-32be'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];
/** V8 holds no longer strings. */
const mostBytes = 0x1fff_ffe8;

/**
 * Bytes as text. By its byte order mark, else UTF-8 where it is that for the most part, UTF-16 by its look, else the encoding that is likeliest by its language (Shift_JIS, GB18030,
 * Big5, EUC, ISO-2022-JP, the windows and ISO families, KOI8): a guess, which a short text may mislead; `encoding` says it.
 *
 * Linear in the bytes, of which 64 KiB are looked at for the guess. Holds the bytes and the text.
 * @throws DocumentError (`unreadable_document`) for what is no text, such as images, archives and programs, with what it looks like; for UTF-32; above 512 MiB.
 * @throws OptionError for an encoding that is none.
 * @see WHATWG Encoding Standard
 */
export function decodeText(bytes: Uint8Array, options: DecodeTextOptions = {}): DecodedText {
  requireOptions('decodeText', options, names);
  if (!(bytes instanceof Uint8Array)) throw new OptionError(`decodeText takes bytes (a Uint8Array or Buffer), got ${typeof bytes}`);
  if (bytes.length > mostBytes)
    throw new DocumentError(`the document has ${String(bytes.length)} bytes, more than a text can have; split it`);
  return decodeAs(bytes, encodingOf(bytes, options.encoding));
}

/** The encoding of `bytes`, which may be the first of many: by their mark, else as given, else guessed. @throws DocumentError where they are no text */
export function encodingOf(bytes: Uint8Array, given?: string): string {
  const named = given === undefined ? undefined : decoderOf(given).encoding;
  const marked = markOf(bytes) ?? named;
  if (marked !== undefined) return marked;
  const isBinary = looksBinary(bytes);
  const kind = binaryKind(bytes, !isBinary);
  if (kind !== undefined) throw new DocumentError(`expected text, got ${kind}${whatToDo(bytes)}`);
  if (isBinary) {
    const wide = guessUtf16(bytes);
    if (wide !== undefined) return wide;
    throw new DocumentError(`expected text, got bytes with more control characters than any text has${whatToDo(bytes)}`);
  }
  const isJis = hasEscape(bytes);
  if (!isJis && isMostlyUtf8(bytes)) return 'utf-8';
  return (isJis ? ['iso-2022-jp', 'utf-8'] : guessByLanguage(bytes)).find((one) => isWholly(bytes, one)) ?? 'windows-1252';
}

function markOf(bytes: Uint8Array): string | undefined {
  const found = marks.find(([mark]) => mark.every((byte, at) => bytes[at] === byte))?.[1];
  if (found?.startsWith('utf-32') !== true) return found;
  throw new DocumentError('expected text in an encoding of the web, got UTF-32; write it as UTF-8');
}

const whatToDo = (bytes: Uint8Array): string =>
  ` (first bytes ${Buffer.from(bytes.subarray(0, 8))
    .toString('hex')
    .replaceAll(/(..)(?=.)/g, '$1 ')}); leave it out, or make text of it first`;

/** ESC $ begins a stretch of two bytes a character in ISO-2022-JP, which is ASCII byte for byte. */
const hasEscape = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('\u001b$') && isUtf8(bytes);

function isWholly(bytes: Uint8Array, encoding: string): boolean {
  try {
    decoderOf(encoding, true).decode(bytes, { stream: true }); // what is cut off at the end is no fault of the encoding
    return true;
  } catch {
    return false;
  }
}

function decoderOf(encoding: string, fatal = false): InstanceType<typeof TextDecoder> {
  requireText('decodeText.encoding', encoding);
  try {
    return new TextDecoder(encoding, { fatal });
  } catch (cause) {
    if (fatal) throw cause;
    throw new OptionError(
      `decodeText.encoding must be a label of the Encoding Standard such as utf-8 or shift_jis, got ${JSON.stringify(encoding)}`,
    );
  }
}

function decodeAs(bytes: Uint8Array, encoding: string): DecodedText {
  const text = decoderOf(encoding).decode(bytes);
  let replaced = 0;
  for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) replaced += 1;
  return { text, encoding, replaced };
}
