import { type Resource, sharedResource } from '../../resource.ts';
import { openedModel } from '../internal/opened-model.ts';
import type { Model } from '../model.ts';
import { checkTritonOptions } from './check-triton-options.ts';
import { tritonBackend } from './triton-backend.ts';
import { tritonCalls } from './triton-calls.ts';
import type { TritonOptions } from './triton-options.ts';

export type { ChatTemplate, ClassifyTask, GenerateOptions, SequencePlace, TensorTask, TritonOptions } from './triton-options.ts';

/**
 * A model on Triton, or on another server of the Open Inference Protocol (KServe v2), over HTTP: `infer` with named tensors, `embed` and `classify` by tensors
 * that `tasks` names, texts by the generate extension. Opening asks the server nothing, so it may start later; the first call asks it what it
 * can and what the model takes, and converts tensors to that.
 *
 * Tensors go as bytes where the server can (binary tensor data extension), else as JSON. Batches are the server's own business (dynamic batching).
 * Holds one request and one answer per running call, of `maxRequestBytes` and `maxAnswerBytes` at most. Unsubscribing closes the connection. Token counts are
 * estimates, but for what vLLM tells of an answer.
 * Fails with `model_unauthorized`, `model_not_found`, `model_rejected`, `prompt_too_long`, `capability_missing`, `resource_exhausted`, `model_failed`,
 * `model_unavailable`, `answer_invalid`, and OverloadError (429, 503, 529, a full queue) with what Retry-After says.
 * @throws OptionError at the call for options out of range.
 * @see the Open Inference Protocol, and the protocol extensions of Triton's documentation
 */
export function triton(options: TritonOptions): Resource<Model> {
  checkTritonOptions(options);
  return sharedResource(options.name ?? options.model, ({ log }) => {
    const closing = new AbortController();
    const backend = tritonBackend(tritonCalls(options, log, closing.signal));
    return Promise.resolve(
      openedModel(backend, () => {
        closing.abort();
        return Promise.resolve();
      }),
    );
  });
}
