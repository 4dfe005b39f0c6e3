import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection of a client that does as it likes. */
export interface RawClient {
  readonly socket: Socket;
  /** What it has read. */
  readonly text: () => string;
  readonly closed: Promise<unknown>;
}

export async function rawClient(url: string): Promise<RawClient> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  return { socket, text: () => text, closed: new Promise((resolve) => socket.once('close', resolve)) };
}

/** A chat, as its bytes. */
export function chatBytes(model: string, said: string, { stream = true } = {}): string {
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: said }] });
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`;
}

/** In a word or two what a client saw: its status, how much text, how it ended. */
export function sawIn(answer: string): string {
  if (answer === '') return 'the connection closed';
  const [, status = '?'] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
  const parts = [...answer.matchAll(/"content":"((?:[^"\\]|\\.)+)"/g)].length;
  const [, code] = /"code":"(\w+)"/.exec(answer) ?? [];
  const retry = /^retry-after: (\d+)/im.test(answer) ? ', Retry-After' : '';
  return `${status}${retry}${parts > 0 ? ', text' : ''}${code === undefined ? '' : `, error ${code}`}${answer.includes('data: [DONE]') ? ', [DONE]' : ''}`;
}
