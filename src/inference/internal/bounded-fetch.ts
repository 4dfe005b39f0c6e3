import { InferenceError } from '../../errors.ts';

/**
 * `fetch` whose answers are at most so long, in bytes as received: also an error's body and a line without an end are held in
 * memory before anybody looks at them.
 */
export const boundedFetch =
  (maxBytes: number, given: typeof fetch): typeof fetch =>
  async (input, init) => {
    const response = await given(input, init);
    if (response.body === null) return response;
    let left = maxBytes;
    const bounded = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          left -= chunk.byteLength;
          if (left >= 0) controller.enqueue(chunk);
          else
            controller.error(
              new InferenceError(
                'model_rejected',
                `expected an answer of at most ${String(maxBytes)} bytes, got a longer one; lower maxTokens, or raise maxAnswerBytes`,
              ),
            );
        },
      }),
    );
    return new Response(bounded, { status: response.status, statusText: response.statusText, headers: response.headers });
  };
