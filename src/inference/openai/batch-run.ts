import type OpenAI from 'openai';
import type { Batch } from 'openai/resources/batches';
import { type Clock, sleep } from '../../clock.ts';
import { InferenceError, isRetryable, OverloadError, type StreamError } from '../../errors.ts';
import { isOfUse, lookAfterMs, looksOn, stepOf } from './batch.state.ts';
import type { BatchInput } from './batch-input.ts';
import { type BatchResult, leftUndone, linesOf, resultOf } from './batch-output.ts';
import { type ErrorContext, openAiError } from './openai-error.ts';

/** The name under which a batch bears the digest of its requests. */
const digestField = 'millrace_requests';

/** How many of the latest batches are looked at for one that was made before. */
const mostLookedAt = 1_000;

/** How a batch stands. */
export interface BatchProgress {
  /** The server's, to find it there, and for `follow`. */
  readonly id: string;
  readonly status: string;
  readonly completed: number;
  readonly failed: number;
  readonly total: number;
}

/** What a run works with. */
export interface BatchRun {
  readonly client: OpenAI;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly context: () => ErrorContext;
  readonly maxLineBytes: number;
  readonly told: (progress: BatchProgress) => void;
}

/** The batch of these requests: one that was made before, or else a new one. */
export async function batchFor(run: BatchRun, input: BatchInput, endpoint: '/v1/chat/completions'): Promise<Batch> {
  const { client, signal } = run;
  let seen = 0;
  for await (const batch of client.batches.list({ limit: 100 }, { signal })) {
    if (batch.metadata?.[digestField] === input.digest && isOfUse(batch)) return batch;
    seen += 1;
    if (seen >= mostLookedAt) break;
  }
  const { id } = await client.files.create({ file: await input.file(), purpose: 'batch' }, { signal });
  const made = { input_file_id: id, endpoint, completion_window: '24h' as const, metadata: { [digestField]: input.digest } };
  return client.batches.create(made, { signal, headers: { 'idempotency-key': `millrace-${input.digest.slice(0, 32)}` } });
}

/** Waits for a batch to end, and emits what became of each request. `ids`: those that it was made of, where they are known. */
export async function* resultsOf(run: BatchRun, begun: Batch, ids: ReadonlySet<string> | undefined): AsyncGenerator<BatchResult> {
  const batch = await ended(run, begun);
  if (stepOf(batch) === 'refused') throw refusal(batch, run.context());
  const left = new Set(ids);
  for (const file of [batch.output_file_id, batch.error_file_id]) {
    if (!file) continue;
    const response = await run.client.files.content(file, { signal: run.signal });
    for await (const line of linesOf(response.body, run.maxLineBytes)) {
      const result = resultOf(line, run.context());
      if (result === undefined || (ids !== undefined && !left.delete(result.id))) continue; // told before, or another's
      yield result;
    }
  }
  for (const id of left) yield { id, error: leftUndone(batch.status, run.context()) };
}

async function ended(run: BatchRun, begun: Batch): Promise<Batch> {
  let batch = begun;
  for (let nth = 1, failed = 0; ; nth += 1) {
    run.told(progressOf(batch));
    if (stepOf(batch) !== 'wait') return batch;
    await sleep(run.clock, lookAfterMs(nth), run.signal);
    try {
      batch = await run.client.batches.retrieve(batch.id, { signal: run.signal });
      failed = 0;
    } catch (error) {
      run.signal.throwIfAborted();
      const ours = openAiError(error, run.context());
      failed += 1;
      if (!isRetryable(ours.grade) || !looksOn(failed)) throw ours;
    }
  }
}

const progressOf = ({ id, status, request_counts: counts }: Batch): BatchProgress => ({
  id,
  status,
  completed: counts?.completed ?? 0,
  failed: counts?.failed ?? 0,
  total: counts?.total ?? 0,
});

/** A batch that was refused as a whole, by what is said of its first mistake. */
function refusal({ id, errors }: Batch, context: ErrorContext): StreamError {
  const [first] = errors?.data ?? [];
  const words = `batch ${id} was refused by ${context.shownUrl} (${first?.code ?? 'no reason'}, line ${String(first?.line ?? '?')})`;
  // so many tokens may wait in batches; they become fewer as batches end
  if (first?.code === 'token_limit_exceeded') return new OverloadError(words);
  return new InferenceError('model_rejected', words);
}
