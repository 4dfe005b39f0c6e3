import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceError } from '../../errors.ts';

/** What OpenAI takes in one batch. */
const mostRequests = 50_000;
const mostBytes = 200_000_000;

/** Written at a time; what is in memory beside one request. */
const writeBytes = 64 * 1024;

/** The requests of a batch as a file. */
export interface BatchInput {
  /** In the order in which they were given. */
  readonly ids: ReadonlySet<string>;
  /** Of all that is in it: the same requests in the same order have the same. */
  readonly digest: string;
  readonly file: () => Promise<File>;
  readonly remove: () => Promise<void>;
}

/** One line: whose it is, and its body. */
export interface BatchLine {
  readonly id: string;
  readonly body: unknown;
}

/**
 * Writes requests into a temporary file that only this user may read. Holds 64 KiB, and the ids.
 * @throws InferenceError `model_rejected` for no request, more than 50,000 or 200 MB, and an id that comes twice.
 */
export async function batchInput(lines: Iterable<BatchLine> | AsyncIterable<BatchLine>, endpoint: string): Promise<BatchInput> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-batch-')); // 0700
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'requests.jsonl');
    const { ids, digest } = await written(lines, endpoint, path);
    const name = `millrace-${digest.slice(0, 16)}.jsonl`;
    return { ids, digest, remove, file: async () => new File([await openAsBlob(path)], name, { type: 'application/jsonl' }) };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function written(lines: Iterable<BatchLine> | AsyncIterable<BatchLine>, endpoint: string, path: string) {
  const ids = new Set<string>();
  const hash = createHash('sha256');
  const handle = await open(path, 'wx', 0o600);
  let bytes = 0;
  let waiting = '';
  const flush = async (): Promise<void> => {
    hash.update(waiting);
    bytes += (await handle.write(waiting)).bytesWritten;
    waiting = '';
    if (bytes > mostBytes) throw rejected(`at most ${String(mostBytes)} bytes`, 'more');
  };
  try {
    for await (const { id, body } of lines) {
      if (ids.has(id)) throw rejected('each id once', `${JSON.stringify(id)} twice`);
      ids.add(id);
      if (ids.size > mostRequests) throw rejected(`at most ${String(mostRequests)} requests`, 'more');
      waiting += `${JSON.stringify({ custom_id: id, method: 'POST', url: endpoint, body })}\n`;
      if (waiting.length > writeBytes) await flush();
    }
    await flush();
  } finally {
    await handle.close();
  }
  if (ids.size === 0) throw rejected('at least one request', 'none');
  return { ids, digest: hash.digest('hex') };
}

const rejected = (expected: string, got: string): InferenceError =>
  new InferenceError('model_rejected', `a batch takes ${expected}, got ${got}; make several batches of them`);
