import { isUtf8 } from 'node:buffer';
import { RequestError } from './openai/api-error.ts';

/**
 * A body as the text that it is, without a mark of byte order. What is no UTF-8 would be read with other characters in the place of what was sent, and written on so.
 * @throws RequestError for bytes that are no UTF-8.
 */
export function bodyText(body: Uint8Array): string {
  if (!isUtf8(body))
    throw new RequestError('the body must be UTF-8, got bytes that are none: encode it so, or send base64 where bytes are meant');
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    .toString()
    .replace(/^\uFEFF/, '');
}
