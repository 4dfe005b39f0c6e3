import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import type * as Chardet from 'chardet';

const load = createRequire(import.meta.url);
let chardet: typeof Chardet | undefined;

const sampleBytes = 64 * 1024;
const isControl = (byte: number): boolean => (byte < 32 && !(byte >= 9 && byte <= 13) && byte !== 27) || byte === 127;
/** Text has stray controls (form feeds of printers, what a terminal was sent), not one byte in fifty. */
const mostControls = 0.02;

/** The share of control characters in what `bytes` begin with, of which texts of one byte a character have hardly any. */
function controlShare(bytes: Uint8Array): number {
  const sample = bytes.subarray(0, sampleBytes);
  let controls = 0;
  for (const byte of sample) if (isControl(byte)) controls += 1;
  return controls / Math.max(1, sample.length);
}

export const looksBinary = (bytes: Uint8Array): boolean => controlShare(bytes) > mostControls;

const plausible = /[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\t\n\r]/gu;
const common = /[\p{Script=Latin}\p{Zs}\t\n\r.,。、，]/gu;

/** How much of `bytes` is text when read in this form of UTF-16; 0 where it is none at all. */
function scoreOfUtf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be'): number {
  const even = bytes.length - (bytes.length % 2);
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, Math.min(even, sampleBytes)), { stream: true });
    const good = text.match(plausible)?.length ?? 0;
    if (good < Array.from(text).length * 0.97) return 0;
    return 1 + (text.match(common)?.length ?? 0) / text.length;
  } catch {
    return 0; // a surrogate alone
  }
}

/** UTF-16 without a mark: every other byte is alike, so that one of the two orders is hardly any text. */
export function guessUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes.length < 4) return undefined;
  const little = scoreOfUtf16(bytes, 'utf-16le');
  const big = scoreOfUtf16(bytes, 'utf-16be');
  if (little === 0 && big === 0) return undefined;
  return little >= big ? 'utf-16le' : 'utf-16be';
}

/** Whether what `bytes` hold beyond ASCII is UTF-8 for the most part: a few damaged characters do not make it another encoding. */
export function isMostlyUtf8(bytes: Uint8Array): boolean {
  if (isUtf8(bytes)) return true;
  const text = new TextDecoder().decode(bytes.subarray(0, 16 * sampleBytes));
  let good = 0;
  let bad = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0xfffd) bad += 1;
    else if (unit > 127) good += 1;
  }
  return good >= 4 * bad;
}

/**
 * What is shown to the detector: from the first byte beyond ASCII on, where no character is cut. In scripts other than Latin those bytes come in runs; what is plain ASCII between them (markup,
 * names of fields) would be taken for the language, and is left out, but for a first byte that may be the second of a character.
 */
function sampleOf(bytes: Uint8Array): Uint8Array {
  let first = 0;
  while (first < bytes.length && (bytes[first] ?? 0) < 128) first += 1;
  const from = Buffer.from(bytes.subarray(first, first + sampleBytes)).toString('latin1');
  const inRuns = from.match(/[\x80-\xff]{3,}/g)?.join('').length ?? 0;
  const inAll = from.match(/[\x80-\xff]/g)?.length ?? 0;
  if (inRuns * 2 < inAll) return bytes.subarray(Math.max(0, first - 256), first + sampleBytes);
  return Buffer.from(from.replaceAll(/([\0-\x7f])[\0-\x7f]{7,}/g, '$1 '), 'latin1');
}

/** Encodings of one or several bytes a character by what is likely in their languages, the likeliest first; every one is a label of `TextDecoder`. */
export function guessByLanguage(bytes: Uint8Array): readonly string[] {
  chardet ??= load('chardet') as typeof Chardet;
  const found = chardet
    .analyse(sampleOf(bytes))
    .filter(({ name, confidence }) => confidence > 5 && !/^(UTF|ASCII|ISO-2022-[KC])/.test(name));
  return [...found.map(({ name }) => name.toLowerCase()), 'windows-1252'];
}
