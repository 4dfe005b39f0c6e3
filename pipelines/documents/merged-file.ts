import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cannotWrite } from 'millrace';

/** How many answers there are. */
export interface Counts {
  readonly success: number;
  readonly error: number;
}

/**
 * Writes the lines of `results.jsonl` as one JSON document, `{ success_count, error_count, results, errors }`, as `mergeResults` would make it. Reads them twice, and holds one at a time. The
 * file is there when it is whole.
 * @throws PipelineError `resource_failed`
 */
export async function writeMerged(resultsPath: string, path: string, { success, error }: Counts): Promise<void> {
  const part = `${path}.part`;
  try {
    await pipeline(Readable.from(textOf(resultsPath, { success, error })), createWriteStream(part, { flush: true }));
    await rename(part, path);
  } catch (failure) {
    await rm(part, { force: true }).catch(() => undefined);
    throw cannotWrite(path, failure);
  }
}

async function* textOf(path: string, { success, error }: Counts): AsyncGenerator<string> {
  yield `{"success_count":${String(success)},"error_count":${String(error)},"results":[`;
  yield* linesOf(path, 'success');
  yield '],"errors":[';
  yield* linesOf(path, 'error');
  yield ']}\n';
}

/** The lines are our own: the status is the first member of each. */
async function* linesOf(path: string, status: 'success' | 'error'): AsyncGenerator<string> {
  const begin = `{"status":"${status}"`;
  let separator = '\n';
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (!line.startsWith(begin)) continue;
    yield separator + line;
    separator = ',\n';
  }
}
