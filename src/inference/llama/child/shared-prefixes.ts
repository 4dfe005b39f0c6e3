import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { messageOf } from '../../../errors.ts';
import { prefixSource } from '../prefix-source.state.ts';
import { evaluatePrompt, type EvaluatedPrompt, mostPieceTokens } from './evaluate-prompt.ts';
import { withScratchFile } from './scratch-file.ts';
import { stepMark } from './step-items.ts';

/** Of an engine, what is needed here. */
export interface PrefixEngine {
  readonly sequences: readonly LlamaContextSequence[];
  readonly facts: { readonly gpu: string | false };
  /** Without flash attention answers shall be alike, whatever was kept. */
  readonly settings: { readonly flashAttention: boolean; readonly tuning: { readonly batchTokens: number } };
}

/**
 * Evaluates prompts, what they begin with only once: a sequence gets a copy of what another one has, and waits for what another one is
 * about to have. A copy goes through a file, the only way that the vendor offers, and is a hundred times quicker than to evaluate on a CPU. On
 * a GPU it is not; there, and with models whose state cannot be cut back to a prefix, each sequence evaluates for itself.
 *
 * Holds the prompts that are being evaluated, at most one a sequence. A copy that fails is the last one; nothing else comes of it.
 */
export class SharedPrefixes {
  readonly #engine: PrefixEngine;
  readonly #log: (message: string) => void;
  readonly #coming = new Map<number, readonly Token[]>();
  readonly #waiting = new Set<() => void>();
  #last: Promise<unknown> = Promise.resolve();
  #copies: boolean;

  constructor(engine: PrefixEngine, log: (message: string) => void) {
    this.#engine = engine;
    this.#log = log;
    this.#copies = engine.facts.gpu === false && engine.sequences.length > 1 && engine.sequences.every((one) => !one.needsCheckpoints);
  }

  /** Like {@link evaluatePrompt} in the sequence that is leased as `own`. */
  async evaluate(own: number, sequence: LlamaContextSequence, prompt: readonly Token[], signal: AbortSignal): Promise<EvaluatedPrompt> {
    let source = this.#sourceOf(own, prompt);
    while (source.kind === 'wait') {
      await this.#progress(signal);
      signal.throwIfAborted();
      source = this.#sourceOf(own, prompt);
    }
    this.#coming.set(own, prompt); // before anything is waited for: who comes next shall see it
    try {
      if (source.kind === 'copy') await this.#copy(source.from, sequence);
      const {
        flashAttention,
        tuning: { batchTokens },
      } = this.#engine.settings;
      const onPiece = (): void => {
        this.#tell();
      };
      return await evaluatePrompt(sequence, prompt, {
        mark: stepMark(own),
        alike: !flashAttention,
        pieceTokens: Math.min(mostPieceTokens, batchTokens - 1), // whole in any step
        signal,
        onPiece,
      });
    } finally {
      this.#coming.delete(own);
      this.#tell();
    }
  }

  #sourceOf(own: number, prompt: readonly Token[]): ReturnType<typeof prefixSource> {
    if (!this.#copies) return { kind: 'own' };
    const kept = this.#engine.sequences.map((one, sequence) => ({
      sequence,
      kept: one.contextTokens,
      coming: this.#coming.get(sequence),
    }));
    return prefixSource(prompt, own, kept);
  }

  /** The next time that some prompt is further than it was. */
  #progress(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.#waiting.delete(go);
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', go, { once: true });
    });
  }

  #tell(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** One at a time: two at once would only hold twice the memory. */
  #copy(from: number, to: LlamaContextSequence): Promise<void> {
    const copied = this.#last.then(() =>
      withScratchFile(async (path) => {
        await this.#engine.sequences[from]?.saveStateToFile(path);
        await to.loadStateFromFile(path, { acceptRisk: true }); // of the same context, so of the same model
      }).catch(async (error: unknown) => {
        this.#copies = false;
        this.#log(`a prefix could not be copied, from now on each sequence evaluates its own: ${messageOf(error)}`);
        await to.clearHistory();
      }),
    );
    this.#last = copied;
    return copied;
  }
}
