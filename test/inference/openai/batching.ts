import { systemClock } from '../../../src/clock.ts';
import {
  type BatchRequest,
  type BatchResult,
  openAiBatches,
  type OpenAiBatchesOptions,
} from '../../../src/inference/openai/openai-batches.ts';
import { type BatchServerOptions, startBatchServer } from './batch-server.ts';
import { apiKey, toClose } from './served.ts';

/** Batches of a server of their own. */
export const batching = async (server: BatchServerOptions = {}, options: Partial<OpenAiBatchesOptions> = {}) => {
  const at = await startBatchServer(server);
  toClose.push(() => at.close());
  const again = async () => {
    const resource = openAiBatches({ baseUrl: at.url, model: 'small', apiKey, ...options });
    const { value, close } = await resource.open({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });
    toClose.push(close);
    return { model: value, close };
  };
  return { at, again, ...(await again()) };
};
export const asking = (...ids: readonly string[]): BatchRequest[] => ids.map((id) => ({ id, prompt: `Say ${id}` }));
export const shown = (results: readonly BatchResult[]) => results.map(({ id, reply, error }) => [id, reply?.text ?? error?.code]);
export const paths = (at: { readonly requests: readonly { readonly path: string }[] }): readonly string[] =>
  at.requests.map(({ path }) => path);
