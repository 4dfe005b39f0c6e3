import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

export interface FileServer {
  readonly url: string;
  readonly requests: { readonly method: string; readonly range: string | undefined }[];
  /** Closes all connections: what has not arrived by now never will. */
  breakOff(): void;
}

export interface Behaviour {
  /** Answers with 200 to a range, as servers that cannot resume do. */
  readonly ignoresRanges?: boolean;
  /** Sends so many bytes to the first request, and then nothing until `breakOff` closes the connection. */
  readonly breaksAfter?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Never answers. */
  readonly hangs?: boolean;
}

/** Serves one file until the test has ended. */
export async function fileServer(content: Buffer, behaviour: Behaviour = {}): Promise<FileServer> {
  const requests: { method: string; range: string | undefined }[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', range: request.headers.range });
    if (behaviour.hangs !== true) answer(request, response, requests.length === 1);
  });
  const answer = (request: IncomingMessage, response: ServerResponse, isFirst: boolean): void => {
    const from = behaviour.ignoresRanges === true ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const start = Number(from ?? 0);
    const body = content.subarray(start);
    const range = from === undefined ? {} : { 'content-range': `bytes ${from}-${String(content.length - 1)}/${String(content.length)}` };
    response.writeHead(behaviour.status ?? (from === undefined ? 200 : 206), {
      'content-length': body.length,
      ...range,
      ...behaviour.headers,
    });
    if (request.method === 'HEAD') response.end();
    else if (isFirst && behaviour.breaksAfter !== undefined) response.write(body.subarray(0, behaviour.breaksAfter));
    else response.end(body);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}/file`,
    requests,
    breakOff: () => {
      server.closeAllConnections();
    },
  };
}
