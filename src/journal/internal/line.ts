import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { canonicalJson } from '../../canonical-json.ts';
import type { KeyWords } from './key-index.state.ts';

/** What a key is known by: the first 128 bits of the SHA-256 of its canonical JSON. */
export interface KeyDigest {
  readonly hex: string;
  readonly words: KeyWords;
}

export function digestOf(key: unknown): KeyDigest {
  const hex = createHash('sha256').update(canonicalJson('a key of the journal', key)).digest('hex').slice(0, hexLength);
  const words = new Uint32Array(4);
  readWords(Buffer.from(hex, 'latin1'), 0, words);
  return { hex, words };
}

/** The first line of each file: what it is, and how it is to be read. */
export const headLine = Buffer.from(`${JSON.stringify({ format: 'millrace-journal', version: 1 })}\n`);

// {"k":"<32>","t":"<24>","c":"<8>","v":<value>}, each at a fixed place, so that a line is checked without being parsed
const hexLength = 32;
const timeLength = 24;
const sumLength = 8;
const keyAt = '{"k":"'.length;
const timeAt = keyAt + hexLength + '","t":"'.length;
const sumAt = timeAt + timeLength + '","c":"'.length;
const valueAt = sumAt + sumLength + '","v":'.length;
/** What a line has beside its value, its end included. */
export const lineOverhead = valueAt + '}\n'.length;

/** The checksum covers all but itself: of a line that has it, every byte is as it was written. */
const sumOf = (line: Buffer, start: number, end: number): string =>
  crc32(line.subarray(start + sumAt + sumLength, end), crc32(line.subarray(start, start + sumAt)))
    .toString(16)
    .padStart(sumLength, '0');

/** @param json a value as JSON, without line breaks, which JSON escapes. */
export function encodeLine(hex: string, nowMs: number, json: string): Buffer {
  const time = new Date(nowMs).toISOString();
  const line = Buffer.from(`{"k":"${hex}","t":"${time}","c":"${'0'.repeat(sumLength)}","v":${json}}\n`);
  line.write(sumOf(line, 0, line.length - 1), sumAt, 'latin1');
  return line;
}

/** Whether a line, without its end, is as it was written; then `words` holds its key. */
export function checkLine(bytes: Buffer, start: number, end: number, words: KeyWords): boolean {
  if (end - start < lineOverhead) return false; // the shortest value has a character, which stands for the line's end
  if (bytes.toString('latin1', start + sumAt, start + sumAt + sumLength) !== sumOf(bytes, start, end)) return false;
  readWords(bytes, start + keyAt, words);
  return true;
}

/** When a line was written, in a form that can be compared. */
export const timeOf = (line: Buffer, start: number): string => line.toString('latin1', start + timeAt, start + timeAt + timeLength);

/** The value of a line that was checked. */
export const valueOf = (line: Buffer): unknown => JSON.parse(line.toString('utf8', valueAt, line.length - 1)) as unknown;

function readWords(bytes: Buffer, at: number, words: KeyWords): void {
  for (let word = 0; word < 4; word += 1) {
    let value = 0;
    for (let i = 0; i < 8; i += 1) {
      const code = bytes[at + word * 8 + i] ?? 0;
      value = (value << 4) | (code - (code < 58 ? 48 : 87)); // 0 to 9, a to f
    }
    words[word] = value;
  }
}
