import { createHash } from 'node:crypto';
import type { Codec } from '../../codec/codec.ts';
import { headerText, type OutputRecord, type SourceRecord } from '../../record/record.ts';
import { sameValue } from './same-value.ts';

/** Says what a record of the topic is: `FORMAT AT_MS VERSION`. */
const answerHeader = 'millrace-answer';
const format = '1';
const header = /^1 (\d{1,15}) (.*)$/s;
const idForm = /^[\w-]{43}$/;
/** The key of the record that takes back all answers until its time. */
export const allId = '*';

export interface AnswerForm {
  readonly codec: Codec<readonly unknown[]>;
  readonly version: string;
  readonly maxEntryBytes: number;
}

/** What a record of the topic says. */
export type StoredAnswer =
  | { readonly kind: 'answer'; readonly id: string; readonly values: readonly unknown[]; readonly atMs: number }
  | { readonly kind: 'removed'; readonly id: string }
  | { readonly kind: 'all-removed'; readonly atMs: number }
  | { readonly kind: 'ignored' };

/** A digest, so that no prompt stands in a key, and keys are short whatever the user's are. */
export const answerId = (key: string): string => createHash('sha256').update(key).digest('base64url');

/** The record of an answer; undefined for one that would not come back as it is, or that is too large. */
export function encodeAnswer(id: string, values: readonly unknown[], atMs: number, form: AnswerForm): OutputRecord | undefined {
  try {
    const value = form.codec.encode(values);
    if (value === null || value.length > form.maxEntryBytes || !sameValue(form.codec.decode(value), values)) return undefined;
    return recordOf(id, value, atMs, form.version);
  } catch {
    return undefined; // a codec says so by throwing
  }
}

/** The record that takes back an answer, or all until `atMs`: that one needs a value, since compaction drops a null with its time. */
export const encodeRemoval = (id: string, atMs: number, version: string): OutputRecord =>
  recordOf(id, id === allId ? new Uint8Array(1) : null, atMs, version);

function recordOf(id: string, value: Uint8Array | null, atMs: number, version: string): OutputRecord {
  const wholeMs = Math.floor(atMs);
  const text = `${format} ${String(wholeMs)} ${version}`;
  return { key: Buffer.from(id), value, headers: [[answerHeader, Buffer.from(text)]], timestampMs: wholeMs };
}

/** Never throws: anybody may have written the record. */
export function decodeAnswer(record: SourceRecord, { codec, version, maxEntryBytes }: AnswerForm): StoredAnswer {
  const id = record.key ? Buffer.from(record.key).toString() : '';
  if (record.undecodable || (id !== allId && !idForm.test(id))) return { kind: 'ignored' };
  if (record.value === null) return id === allId ? { kind: 'ignored' } : { kind: 'removed', id }; // whoever wrote it: to forget is safe
  const [, atMs, writtenBy] = header.exec(headerText(record.headers, answerHeader) ?? '') ?? [];
  if (atMs === undefined) return { kind: 'ignored' };
  if (id === allId) return { kind: 'all-removed', atMs: Number(atMs) };
  if (writtenBy !== version || record.value.length > maxEntryBytes) return { kind: 'ignored' };
  try {
    const values: unknown = codec.decode(record.value);
    return Array.isArray(values) ? { kind: 'answer', id, values, atMs: Number(atMs) } : { kind: 'ignored' };
  } catch {
    return { kind: 'ignored' };
  }
}
