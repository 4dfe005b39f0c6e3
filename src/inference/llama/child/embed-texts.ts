import type { LlamaEmbeddingContext, Token } from 'node-llama-cpp';
import { InferenceError } from '../../../errors.ts';
import type { WorkResults } from '../protocol.ts';
import type { Engine } from './engine.ts';
import { requireRoom } from './evaluate-prompt.ts';
import { mostAtOnce, type PromptTokens } from './prompt-tokens.ts';
import { usageOf } from './generate-answer.ts';

/** Makes vectors, one text after the other: asking in parallel gains nothing. Its context is made at the first call. */
export class Embedder {
  readonly #engine: Engine;
  readonly #tokens: PromptTokens;
  #context: Promise<LlamaEmbeddingContext> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, tokens: PromptTokens) {
    this.#engine = engine;
    this.#tokens = tokens;
  }

  /** All texts or none; a text that is too long fails before any is evaluated. Looks at the signal between texts. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<WorkResults['embed']> {
    const mine = this.#last.then(() => this.#run(texts, signal));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #run(texts: readonly string[], signal: AbortSignal): Promise<WorkResults['embed']> {
    signal.throwIfAborted();
    const { model, facts, settings } = this.#engine;
    const tokens: (readonly Token[])[] = [];
    let sinceRest = 0;
    for (const text of texts) {
      const one = await this.#tokens.ofPlain(text, signal);
      tokens.push(one);
      sinceRest += text.length;
      if (sinceRest > mostAtOnce) {
        await this.#tokens.rest(signal);
        sinceRest = 0;
      }
      if (one.length === 0) throw new InferenceError('model_rejected', 'expected texts with something in them, got an empty one');
      requireRoom(one.length, 0, facts.contextTokens - endsOfText);
    }
    // one batch for the longest text: what is pooled must be evaluated in one step
    const contextSize = facts.contextTokens;
    this.#context ??= model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads: settings.threads });
    const context = await this.#context.catch((error: unknown) => {
      this.#context = undefined;
      throw error;
    });
    const vectors: Float32Array[] = [];
    for (const one of tokens) {
      signal.throwIfAborted();
      const { vector } = await context.getEmbeddingFor(one.slice());
      vectors.push(unit(vector));
    }
    return { vectors, usages: tokens.map((one) => usageOf(one.length, 0, 0)) };
  }
}

/** Beginning and end marks that the vendor adds. */
const endsOfText = 3;

/** The model's vectors have any length (around 48 for the default model); ours have length 1. */
function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  if (!(length > 0)) throw new InferenceError('model_failed', 'the model gave a vector without a direction');
  return Float32Array.from(vector, (one) => one / length);
}
