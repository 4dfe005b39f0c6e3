import { Observable } from 'rxjs';
import { type OptionNames, requireBoolean, requireFunction, requireOptions } from '../../check-options.ts';
import { currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import { requireText } from '../../errors.ts';
import { type Resource, sharedResource } from '../../resource.ts';
import { resolveChatOptions } from '../internal/chat-options.ts';
import { turnsOf } from '../internal/prompt.ts';
import type { ChatOptions, Prompt } from '../model.ts';
import { batchInput, type BatchLine } from './batch-input.ts';
import type { BatchResult } from './batch-output.ts';
import { batchFor, type BatchProgress, type BatchRun, resultsOf } from './batch-run.ts';
import { chatRequest } from './chat-request.ts';
import { defaultMaxAnswerBytes, openClient } from './open-client.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { checkOpenAiOptions } from './openai-compatible.ts';
import { type ErrorContext, openAiError } from './openai-error.ts';
import { requestSettings } from './request-settings.ts';

export type { BatchReply, BatchResult } from './batch-output.ts';
export type { BatchProgress } from './batch-run.ts';

export interface OpenAiBatchesOptions
  extends Pick<OpenAiCompatibleOptions, 'baseUrl' | 'model' | 'server' | 'apiKey' | 'name' | 'fetch' | 'maxAnswerBytes' | 'extraBody'> {
  /**
   * Whether who leaves before the end cancels the batch. What is done by then is paid for; without this it goes on, and is found
   * again by who asks for the same. @defaultValue false, since a restart is a leave
   */
  readonly cancelOnUnsubscribe?: boolean;
  /** Told how a batch stands at each look at it, its id first of all. @defaultValue nobody is */
  readonly onProgress?: (progress: BatchProgress) => void;
}

/** One request of a batch. */
export interface BatchRequest {
  /** Yours, such as the record's position: what became of it bears this. Once in a batch. */
  readonly id: string;
  readonly prompt: Prompt;
  readonly options?: ChatOptions;
}

/** A model that is asked in batches: for half of the price, within a day. */
export interface ModelBatches {
  readonly name: string;
  /** Emits what became of each request, each once, in any order, when the batch has ended; then completes. */
  ask(requests: Iterable<BatchRequest> | AsyncIterable<BatchRequest>): Observable<BatchResult>;
  /** The same for a batch that was made before, by its id; of requests that it says nothing of, nothing is said. */
  follow(batchId: string): Observable<BatchResult>;
}

/**
 * Many chats as one batch of OpenAI's Batch API (`/files`, `/batches`): for what has a day's time, at half of the price.
 *
 * In: up to 50,000 requests and 200 MB, by a (lazy, asynchronous) iterable. Out: for each id an answer, or an error with the code that the
 * same call alone would have; what an expired or cancelled batch did not come to fails with `model_unavailable`.
 * The same requests in the same order are the same batch: asked for again, after a crash, by a retry, by a second instance later on, it is
 * found by their digest among the latest 1,000 batches and nothing is paid for twice. What failed in it is asked for again by a batch of these alone.
 * Two who ask at the very same moment may each make one. Requests and answers stay in the server's files until it, or you, delete them.
 * Holds the ids, 64 KiB of requests, and one answer of `maxAnswerBytes` at most; requests lie in a temporary file until they are uploaded.
 * Looks after 2 s, then ever more seldom, each 60 s at last. Completes after the last result; fails for a batch that is refused as a whole
 * (`model_rejected`; `overloaded` when too many tokens wait in batches) and as the server fails. Unsubscribing stops looking; see `cancelOnUnsubscribe`.
 * @throws OptionError at the call for options out of range.
 */
export function openAiBatches(options: OpenAiBatchesOptions): Resource<ModelBatches> {
  requireOptions('openAiBatches', options, names);
  const { cancelOnUnsubscribe = false, onProgress = () => undefined, ...connection } = options;
  checkOpenAiOptions(connection);
  const { model, apiKey, maxAnswerBytes = defaultMaxAnswerBytes } = connection;
  const { origin, pathname } = new URL(options.baseUrl);
  const shownUrl = `${origin}${pathname}`;
  requireBoolean('cancelOnUnsubscribe', cancelOnUnsubscribe);
  requireFunction('onProgress', onProgress, '(progress) => void');
  const name = options.name ?? model;
  const lineOf = lineMaker(options);
  return sharedResource(name, async () => {
    const closing = new AbortController();
    const client = await openClient(options);
    const context = (nowMs: number): ErrorContext => ({ shownUrl, model, apiKey, nowMs });
    const settings = { client, closing: closing.signal, context, maxLineBytes: maxAnswerBytes, told: onProgress, cancelOnUnsubscribe };
    const value: ModelBatches = {
      name,
      ask: (requests) =>
        batchCall(settings, async function* (run, made) {
          const input = await batchInput(mapped(requests, lineOf), endpoint);
          const batch = await batchFor(run, input, endpoint).finally(input.remove);
          made(batch.id);
          yield* resultsOf(run, batch, input.ids);
        }),
      follow: (batchId) => {
        requireText('batchId', batchId);
        return batchCall(settings, async function* (run, made) {
          made(batchId);
          yield* resultsOf(run, await run.client.batches.retrieve(batchId, { signal: run.signal }), undefined);
        });
      },
    };
    const close = (): Promise<void> => {
      closing.abort();
      return Promise.resolve();
    };
    return { value, close };
  });
}

interface CallSettings extends Pick<BatchRun, 'client' | 'maxLineBytes' | 'told'> {
  readonly closing: AbortSignal;
  readonly context: (nowMs: number) => ErrorContext;
  readonly cancelOnUnsubscribe: boolean;
}

/** A cold call about one batch, whose id is told by `made` as soon as it is known. */
function batchCall(
  { client, closing, context, cancelOnUnsubscribe, ...rest }: CallSettings,
  work: (run: BatchRun, made: (id: string) => void) => AsyncIterable<BatchResult>,
): Observable<BatchResult> {
  return new Observable((out) => {
    const { clock } = currentScope();
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, closing]);
    let running: string | undefined;
    const now = () => context(clock.nowMs());
    out.add(() => {
      own.abort();
      if (running !== undefined && cancelOnUnsubscribe) client.batches.cancel(running).catch(() => undefined); // nobody listens any more
    });
    const run = async (): Promise<void> => {
      try {
        const made = (id: string): void => {
          running = id;
        };
        for await (const result of work({ client, clock, signal, context: now, ...rest }, made)) {
          if (out.closed) return;
          out.next(result);
        }
        running = undefined;
        out.complete();
      } catch (error) {
        running = undefined;
        out.error(signal.aborted ? abortReason(signal) : openAiError(error, now()));
      }
    };
    void run();
  });
}

const endpoint = '/v1/chat/completions';

const names: OptionNames<OpenAiBatchesOptions> = {
  baseUrl: true,
  model: true,
  server: true,
  apiKey: true,
  name: true,
  fetch: true,
  maxAnswerBytes: true,
  extraBody: true,
  cancelOnUnsubscribe: true,
  onProgress: true,
};

function lineMaker({ server = 'openai', ...options }: OpenAiBatchesOptions): (request: BatchRequest) => BatchLine {
  const settings = requestSettings({ ...options, server });
  return ({ id, prompt, options }) => {
    requireText('id', id);
    return { id, body: chatRequest(turnsOf(prompt), resolveChatOptions(options), settings) };
  };
}

async function* mapped<T, R>(values: Iterable<T> | AsyncIterable<T>, project: (value: T) => R): AsyncGenerator<R> {
  for await (const value of values) yield project(value);
}
