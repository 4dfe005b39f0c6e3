import { isUtf8 } from 'node:buffer';
import type { RecordHeaders } from '../record/record.ts';

/** Bytes for people: UTF-8 as text, anything else as base64 that says so, null as itself. */
export function bytesText(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  return isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : `base64:${Buffer.from(bytes).toString('base64')}`;
}

export const headersText = (headers: RecordHeaders): string => headers.map(([name, value]) => `${name}=${bytesText(value)}`).join(',');
