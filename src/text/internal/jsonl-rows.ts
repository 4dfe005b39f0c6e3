import { isUtf8 } from 'node:buffer';
import { decodeText } from '../decode-text.ts';
import type { DocumentSource } from '../document-source.ts';
import { DocumentError, messageOf } from '../../errors.ts';
import { rowContent } from './row-content.ts';

export interface RowSettings {
  /** The path of the file as it is told. */
  readonly id: string;
  readonly name: string;
  readonly textField: string | undefined;
  readonly maxRowBytes: number;
}

interface Line {
  readonly number: number;
  /** `undefined`: it was longer than `maxRowBytes`. */
  readonly bytes: Buffer | undefined;
}

/** The lines of UTF-8. Holds one line, at most `maxBytes` of it, and a chunk. */
export async function* linesOf(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let held: Buffer[] = [];
  let length = 0; // of the line, also of what is not held
  let number = 1;
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const rest = chunk.subarray(start, end);
      length += rest.length;
      yield { number, bytes: length > maxBytes ? undefined : held.length === 0 ? rest : Buffer.concat([...held, rest]) };
      [held, length, start] = [[], 0, end + 1];
      number += 1;
    }
    const rest = chunk.subarray(start);
    length += rest.length;
    if (length > maxBytes) held = [];
    else if (rest.length > 0) held.push(rest);
  }
  if (length > 0) yield { number, bytes: length > maxBytes ? undefined : Buffer.concat(held) };
}

const isBlank = (bytes: Buffer): boolean => bytes.length < 64 && bytes.toString('latin1').trim() === '';

/** A document a line of JSON; empty lines are none. A line that is no JSON, or too long, is a document that cannot be read. */
export async function* jsonlRows(source: AsyncIterable<Buffer>, settings: RowSettings): AsyncGenerator<DocumentSource, undefined> {
  const { id, name, textField, maxRowBytes } = settings;
  for await (const { number, bytes } of linesOf(source, maxRowBytes)) {
    if (bytes !== undefined && isBlank(bytes)) continue;
    const where = `${id}:${String(number)}`;
    // a view would keep the whole chunk alive for as long as the row is
    const own = bytes === undefined ? undefined : Buffer.from(bytes);
    const read = (): Promise<ReturnType<typeof rowContent>> =>
      Promise.resolve().then(() => rowContent(parse(own, where, maxRowBytes), where, textField));
    yield { id: where, name, line: number, read };
  }
  return undefined;
}

function parse(bytes: Buffer | undefined, where: string, maxRowBytes: number): unknown {
  if (bytes === undefined)
    throw new DocumentError(
      `${where}: expected a line of at most ${String(maxRowBytes)} bytes, got a longer one; split it, or raise maxRowBytes`,
    );
  try {
    return JSON.parse(isUtf8(bytes) ? bytes.toString() : undamaged(bytes)) as unknown;
  } catch (error) {
    throw new DocumentError(
      `${where}: expected a line of JSON, got ${saying(bytes)} (${messageOf(error).slice(0, 100)}); mend the line, or leave it out`,
      { cause: error },
    );
  }
}

/** A line of another encoding than the file is read by its own look. */
function undamaged(bytes: Buffer): string {
  const { text, encoding, replaced } = decodeText(bytes);
  if (replaced > 0) throw new Error(`${String(replaced)} places in it are no ${encoding}; say encoding, if it is another one`);
  return text;
}

const saying = (bytes: Buffer): string => `${JSON.stringify(bytes.subarray(0, 40).toString())}${bytes.length > 40 ? '…' : ''}`;
