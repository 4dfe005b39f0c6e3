// Asks a real server, and writes down what was said: node test/helpers/inference/triton-exchanges.ts URL FILE. Its models are those of test/inference/triton/mlserver.
// mlserver-1.7.1.json was made so: MLServer 1.7.1 on Python 3.11, `PYTHONPATH=toy mlserver start .` in that folder.
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { lastValueFrom, type Observable } from 'rxjs';
import { systemClock } from '../../../src/clock.ts';
import { isStreamError, messageOf } from '../../../src/errors.ts';
import type { Tensor } from '../../../src/inference/model.ts';
import { triton } from '../../../src/inference/triton/triton.ts';
import { listening } from '../listening.ts';

export interface TritonExchange {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly type: string;
  readonly answer: string;
}

const numbers = (...data: readonly number[]): Tensor => ({ name: 'numbers', shape: [data.length / 2, 2], data: Float32Array.from(data) });
const texts: Tensor = { name: 'texts', shape: [2], data: ['', 'žluť 👩‍🚀 "\\\n'] };
const large: Tensor = { name: 'large', shape: [2], data: BigInt64Array.of(2n ** 53n + 1n, -(2n ** 63n)) };

/** What a client is told, question by question: tensors, vectors, or a code of ours. */
export async function askServer(url: string): Promise<Readonly<Record<string, unknown>>> {
  const context = { clock: systemClock, signal: new AbortController().signal, log: () => undefined };
  const task = { input: 'texts', output: 'vectors', model: 'toy' };
  const opened = await triton({ url, model: 'toy', tasks: { embed: task } }).open(context);
  const missing = await triton({ url, model: 'none' }).open(context);
  const questions: Readonly<Record<string, () => Observable<unknown>>> = {
    numbers: () => opened.value.infer([numbers(1, 2, 3, 4)]),
    'texts and large numbers': () => opened.value.infer([texts, large]),
    vectors: () => opened.value.embed(['ab', 'c']),
    'what the model refuses': () => opened.value.infer([numbers(-1, 0)]),
    'another shape': () => opened.value.infer([{ ...numbers(1, 2, 3), shape: [1, 3] }]),
    'an input that it does not know': () => opened.value.infer([{ ...numbers(1, 2), name: 'nobody' }]),
    'a model that is not there': () => missing.value.infer([numbers(1, 2)]),
  };
  const told: Record<string, unknown> = {};
  for (const [name, ask] of Object.entries(questions))
    told[name] = await lastValueFrom(ask()).catch((error: unknown) => (isStreamError(error) ? error.code : messageOf(error)));
  await missing.close();
  await opened.close();
  return told;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Stands before `answer` as a server, as long as `use` runs. */
export async function asServer<T>(
  answer: (asked: Pick<TritonExchange, 'method' | 'path' | 'body'>) => Promise<TritonExchange>,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    void bodyOf(request)
      .then((body) => answer({ method: request.method ?? '', path: request.url ?? '', body }))
      .then(({ status, type, answer: text }) => response.writeHead(status, { 'content-type': type }).end(text))
      .catch((error: unknown) => response.writeHead(599).end(messageOf(error)));
  });
  const { host, close } = await listening(server);
  try {
    return await use(`http://${host}`);
  } finally {
    await close();
  }
}

async function record(url: string, file: string): Promise<void> {
  const exchanges: TritonExchange[] = [];
  const forward = async ({ method, path, body }: Pick<TritonExchange, 'method' | 'path' | 'body'>): Promise<TritonExchange> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method, ...(body === '' ? {} : { body, headers }) });
    const type = response.headers.get('content-type') ?? '';
    const exchange = { method, path, body, status: response.status, type, answer: await response.text() };
    exchanges.push(exchange);
    return exchange;
  };
  process.stdout.write(
    `${JSON.stringify(await asServer(forward, askServer), (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one), 2)}\n`,
  );
  await writeFile(file, `${JSON.stringify(exchanges, undefined, 2)}\n`);
}

const [, program = '', url, file] = process.argv;
if (program.endsWith('triton-exchanges.ts') && url !== undefined && file !== undefined) await record(url, file);
