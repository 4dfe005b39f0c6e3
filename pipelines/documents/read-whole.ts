import { createHash } from 'node:crypto';
import { type Chunk, DocumentError, type Model, normaliseText, splitText } from 'millrace';
import { type DocumentSource, readDocument } from 'millrace';
import type { DocumentInput } from './document.ts';
import { tokensOf } from './room.ts';
import type { Json } from './merge/merge-extractions.ts';

export interface PieceOptions {
  readonly maxTokens: number;
  readonly overlapTokens: number;
  /** Who counts the tokens. */
  readonly model: Model;
}

/** A document as text, and in pieces. */
export interface PreparedDocument {
  readonly input: DocumentInput;
  /** Made once for each size and model: tasks share them. */
  pieces(options: PieceOptions): Promise<readonly Chunk[]>;
}

/**
 * Reads a document, and makes plain, normalised text of it.
 * @throws DocumentError `unreadable_document` for one that is too large, or has no text; and what `readDocument` and the source throw.
 */
export async function readWhole(source: DocumentSource, maxBytes: number): Promise<PreparedDocument> {
  const read = await source.read();
  const size = 'text' in read ? read.text.length : read.bytes.length;
  if (size > maxBytes)
    throw new DocumentError(`${source.name} has ${String(size)} bytes, expected at most ${String(maxBytes)} (maxDocumentBytes)`);
  const { text: raw, ...facts } =
    'text' in read ? { text: read.text, fields: besides(read) } : await fromBytes(source.name, read, maxBytes);
  const text = normaliseText(raw);
  if (text === '') throw new DocumentError(`${source.name} has no text`);
  const hash = createHash('sha256').update(text).digest('hex');
  const known = new Map<string, { readonly model: Model; readonly chunks: Promise<readonly Chunk[]> }[]>();
  return {
    input: { id: source.id, name: source.name, ...(facts as Partial<DocumentInput>), chars: text.length, hash },
    pieces: ({ maxTokens, overlapTokens, model }) => {
      const key = `${String(maxTokens)}/${String(overlapTokens)}`;
      const found = known.get(key)?.find((one) => one.model === model);
      if (found) return found.chunks;
      const countTokens = (part: string): Promise<number> => tokensOf(model, part);
      const chunks = splitText(text, { maxTokens, overlapTokens, countTokens });
      known.set(key, [...(known.get(key) ?? []), { model, chunks }]);
      return chunks;
    },
  };
}

async function fromBytes(
  name: string,
  { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType?: string },
  maxBytes: number,
) {
  const { warnings, ...rest } = await readDocument(bytes, { name, mediaType, maxBytes });
  return { ...rest, ...(warnings.length > 0 && { warnings }) };
}

/** The fields of a row but its text, which is long, and its reader's. */
const besides = ({ text, fields }: { readonly text: string; readonly fields: Readonly<Record<string, unknown>> }): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== text)) as Json;
