import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { apiErrorOf, RequestError } from './openai/api-error.ts';

const refusals: Readonly<Record<string, readonly [status: number, why: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in whole within 10 s'],
  HPE_HEADER_OVERFLOW: [431, 'the headers of a request must be 16 KiB at most'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the extensions of chunks are too long'],
};
const malformed = [400, 'what came is no request of HTTP/1.1'] as const;

/** Closes a connection whose bytes are no request, or none that may come; says why, unless an answer is on its way, in whose midst it would stand. */
export function refuseBytes(code: string | undefined, socket: Socket, isAnswering: boolean): void {
  if (socket.destroyed) return;
  if (code !== 'ECONNRESET' && socket.writable && !isAnswering) {
    const [status, why] = refusals[code ?? ''] ?? malformed;
    const body = JSON.stringify(apiErrorOf(new RequestError(why, { status })).body);
    const head = [`HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`, 'content-type: application/json', 'connection: close'];
    socket.write(`${head.join('\r\n')}\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`);
  }
  socket.destroy();
}
