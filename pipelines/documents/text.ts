import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { decodeText, DocumentError } from 'millrace';

/** A document that can be read when its turn has come. */
export interface DocumentSource {
  readonly id: string;
  readonly name: string;
  /** The line of a row. */
  readonly line?: number;
  read(): Promise<
    | { readonly bytes: Uint8Array; readonly mediaType?: string }
    | { readonly text: string; readonly fields: Readonly<Record<string, unknown>> }
  >;
}

/** Plain text, in any encoding. */
export function readDocument(bytes: Uint8Array) {
  const { text, encoding, replaced } = decodeText(bytes);
  const warnings = replaced > 0 ? [`${String(replaced)} places were no characters in ${encoding}`] : [];
  return { text, encoding, mediaType: 'text/plain', warnings };
}

/** A folder with all that is below it, in the order of names; the rows of JSONL, with their `text`; a file of text; a stream of JSONL. */
export async function* documentsIn(input: string | Readable): AsyncGenerator<DocumentSource, void, undefined> {
  if (typeof input !== 'string') {
    yield* rowsOf(input, '-');
    return;
  }
  const found = await stat(input);
  if (found.isFile() && extname(input) === '.jsonl') yield* rowsOf(createReadStream(input), input);
  else if (found.isFile()) yield fileAt(input, input);
  else yield* filesIn(input);
}

async function* filesIn(folder: string): AsyncGenerator<DocumentSource, void, undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  for (const path of paths.sort()) yield fileAt(path, join(folder, path));
}

const fileAt = (name: string, path: string): DocumentSource => ({ id: name, name, read: async () => ({ bytes: await readFile(path) }) });

async function* rowsOf(stream: Readable, name: string): AsyncGenerator<DocumentSource, void, undefined> {
  let line = 0;
  for await (const row of createInterface({ input: stream, crlfDelay: Infinity })) {
    line += 1;
    if (row.trim() !== '') yield { id: `${name}:${String(line)}`, name, line, read: () => Promise.resolve().then(() => contentOf(row)) };
  }
}

function contentOf(row: string): { readonly text: string; readonly fields: Readonly<Record<string, unknown>> } {
  const fields: unknown = JSON.parse(row);
  if (typeof fields !== 'object' || fields === null || !('text' in fields) || typeof fields.text !== 'string')
    throw new DocumentError('expected a row with a text in "text"');
  const others = Object.entries(fields).filter(([member]) => member !== 'text');
  return { text: fields.text, fields: Object.fromEntries(others) };
}
