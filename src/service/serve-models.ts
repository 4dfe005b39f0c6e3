import type { Service } from './service.ts';
import { resolveServiceOptions, type ServeModelsOptions } from './service-options.ts';

export type { Service } from './service.ts';
export type { ServedTopics } from './served-topics.ts';
export type { ServeModelsOptions } from './service-options.ts';

/**
 * Serves models over HTTP: to OpenAI's clients (`/v1/chat/completions`, `/v1/completions`, `/v1/embeddings`, `/v1/models`), and as a plain stream that
 * survives lost connections (`/v1/generate`), and topics (`/topics/TOPIC/records`); `service.md` says what each takes and gives. The models are opened and warmed up first: one that cannot start
 * fails the start with its reason.
 *
 * Holds `concurrency` calls and `maxWaiting` requests a model, answers of 1 MiB each while they are made, and 64 MiB of those that have ended; a
 * connection holds what its socket buffers, and is dropped after `slowReaderMs` in which it took nothing.
 * Ends with `drain` or `close`.
 * @throws OptionError for options out of range, a port that cannot be had, and other machines without keys; what a model fails to start with.
 */
export async function serveModels(options: ServeModelsOptions): Promise<Service> {
  const resolved = resolveServiceOptions(options);
  const { openService } = await import('./open-service.ts');
  return openService(resolved);
}
