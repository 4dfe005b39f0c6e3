import { deadLetterHeaders } from 'millrace';
import { DocumentReference, type DocumentResult } from './document.ts';

/** The answer to a document whose record became a dead letter: for its time, for its size. Undefined for a letter of something else. */
export function answerOfLetter(value: Uint8Array | null, header: (name: string) => string | null | undefined): DocumentResult | undefined {
  const reference = referenceIn(value);
  if (reference === undefined) return undefined;
  const { run, place, id } = reference;
  return {
    ...{ run, place, status: 'error', input: { id, name: id }, ms: 0 },
    error: { code: header(deadLetterHeaders.code) ?? 'call_failed', message: header(deadLetterHeaders.message) ?? '' },
    usage: { calls: 0, fromJournal: 0, inputTokens: 0, outputTokens: 0 },
  };
}

function referenceIn(value: Uint8Array | null): DocumentReference | undefined {
  if (value === null) return undefined;
  try {
    return DocumentReference.parse(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return undefined;
  }
}
