import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A line of a batch's input, as it came. */
export interface AskedLine {
  readonly custom_id: string;
  readonly method: string;
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

/** How a fake of the Batch API behaves; what it makes of each line is `answer`'s. */
export interface BatchServerOptions {
  /** How a batch stands at the nth look at it, from 1. @defaultValue completed at once */
  readonly status?: (look: number) => string;
  /** A line of the output; of the error file for `failed`; undefined: nothing is said of it. */
  readonly answer?: (line: AskedLine, nth: number) => { readonly failed?: boolean; readonly line: Json } | undefined;
  /** Instead of an answer, to the nth request of this path. */
  readonly fault?: (path: string, nth: number) => { readonly status: number; readonly body: Json } | undefined;
  readonly more?: (status: string) => Json;
}

export interface Held {
  readonly id: string;
  readonly input: string;
  readonly metadata: Json;
  looks: number;
  cancelled: boolean;
}

export const replyLine = (custom_id: string, content: string, finish_reason = 'stop'): Json => ({
  id: `batch_req_${custom_id}`,
  custom_id,
  response: {
    status_code: 200,
    request_id: 'r',
    body: {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'served-1',
      choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason }],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    },
  },
  error: null,
});

const echoed: NonNullable<BatchServerOptions['answer']> = ({ custom_id: id }) => ({ line: replyLine(id, `to ${id}`) });

/** The Batch API as its documentation tells it: files, batches by pages, latest first, and what they hold. In memory. */
export async function startBatchServer(options: BatchServerOptions = {}) {
  const { status = () => 'completed', answer = echoed, fault, more = () => ({}) } = options;
  const files = new Map<string, string>();
  const batches: Held[] = [];
  const requests: { readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
  const counts = new Map<string, number>();
  const linesOf = (batch: Held): AskedLine[] =>
    (files.get(batch.input) ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AskedLine);
  const seen = (batch: Held): Json => {
    const stands = batch.cancelled ? 'cancelled' : status(batch.looks);
    const lines = linesOf(batch).map((line, nth) => answer(line, nth));
    const isOver = ['completed', 'expired', 'cancelled'].includes(stands);
    const write = (name: string, failed: boolean): Json => {
      const written = lines.filter((line) => line !== undefined && (line.failed ?? false) === failed);
      if (!isOver || written.length === 0) return {};
      files.set(`${name}-${batch.id}`, `${written.map((one) => JSON.stringify(one?.line)).join('\n')}\n`);
      return { [`${name}_file_id`]: `${name}-${batch.id}` };
    };
    return {
      id: batch.id,
      object: 'batch',
      endpoint: '/v1/chat/completions',
      input_file_id: batch.input,
      completion_window: '24h',
      created_at: 1,
      metadata: batch.metadata,
      status: stands,
      request_counts: {
        total: lines.length,
        completed: lines.filter((one) => one && !one.failed).length,
        failed: lines.filter((one) => one?.failed).length,
      },
      ...write('output', false),
      ...write('error', true),
      ...more(stands),
    };
  };
  const handle = (path: string, method: string, body: string, type: string): { status: number; body: unknown } => {
    const { pathname, searchParams } = new URL(path, 'http://x');
    const of = /^\/v1\/batches\/([^/]+)(\/cancel)?$/.exec(pathname);
    if (method === 'POST' && pathname === '/v1/files') {
      const boundary = /boundary=(.+)$/.exec(type)?.[1] ?? '';
      const part = body.split(`--${boundary}`).find((one) => one.includes('name="file"')) ?? '';
      const id = `file-${String(files.size)}`;
      files.set(id, part.slice(part.indexOf('\r\n\r\n') + 4, part.lastIndexOf('\r\n')));
      return { status: 200, body: { id, object: 'file', purpose: 'batch', filename: /filename="([^"]*)"/.exec(part)?.[1] } };
    }
    if (method === 'POST' && pathname === '/v1/batches') {
      const asked = JSON.parse(body) as { input_file_id: string; metadata: Json };
      const batch = {
        id: `batch_${String(batches.length)}`,
        input: asked.input_file_id,
        metadata: asked.metadata,
        looks: 0,
        cancelled: false,
      };
      batches.push(batch);
      return { status: 200, body: seen(batch) };
    }
    if (pathname === '/v1/batches') {
      const latest = batches.toReversed();
      const from = latest.findIndex(({ id }) => id === searchParams.get('after')) + 1;
      const page = latest.slice(from, from + Number(searchParams.get('limit')));
      return {
        status: 200,
        body: {
          object: 'list',
          data: page.map(seen),
          has_more: from + page.length < latest.length,
          first_id: page[0]?.id,
          last_id: page.at(-1)?.id,
        },
      };
    }
    const batch = batches.find(({ id }) => id === of?.[1]);
    if (batch === undefined) return { status: 404, body: { error: { message: 'no such thing' } } };
    if (of?.[2]) batch.cancelled = true;
    else batch.looks += 1;
    return { status: 200, body: seen(batch) };
  };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString();
    const { url: path = '', method = '' } = incoming;
    requests.push({ path: `${method} ${path.replace(/\?.*/, '')}`, headers: incoming.headers, body });
    const nth = (counts.get(path) ?? 0) + 1;
    counts.set(path, nth);
    const content = /^\/v1\/files\/([^/]+)\/content$/.exec(path)?.[1];
    const instead = fault?.(`${method} ${path.replace(/\?.*/, '')}`, nth);
    if (instead === undefined && content !== undefined) {
      outgoing.writeHead(200, { 'content-type': 'application/octet-stream' });
      outgoing.end(files.get(content));
      return;
    }
    const { status: code, body: said } = instead ?? handle(path, method, body, incoming.headers['content-type'] ?? '');
    outgoing.writeHead(code, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(said));
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`,
    requests,
    batches: batches as readonly Readonly<Held>[],
    files: files as ReadonlyMap<string, string>,
    /** A batch of somebody else's. */
    addOther: () => batches.push({ id: `other_${String(batches.length)}`, input: 'none', metadata: {}, looks: 0, cancelled: false }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
