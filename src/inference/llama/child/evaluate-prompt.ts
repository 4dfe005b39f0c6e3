import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { InferenceError } from '../../../errors.ts';

/**
 * A prompt is evaluated in pieces, and the signal looked at between: an abort waits for one piece (37-125 ms on 2 cores) and
 * not for the prompt (1.2 s for 600 tokens). Costs about 10 %.
 */
const pieceTokens = 96;

/** @throws InferenceError `prompt_too_long`: native code would shift the context, and drop text in silence. */
export function requireRoom(promptTokens: number, answerTokens: number, contextTokens: number): void {
  if (promptTokens + answerTokens <= contextTokens) return;
  const need = `${String(promptTokens)} tokens of prompt and ${String(answerTokens)} of answer`;
  throw new InferenceError(
    'prompt_too_long',
    `expected at most ${String(contextTokens)} tokens together, got ${need}: shorten it, lower maxTokens, or raise llama.contextTokens`,
  );
}

/** So few tokens are not worth a step of their own: it would cost each answer one more, 4 % of 24 tokens. */
const fewTokens = 32;

/** What of the prompt is still to be evaluated, at least its last token, and how many of its tokens were not evaluated anew. */
export interface EvaluatedPrompt {
  readonly rest: readonly Token[];
  readonly kept: number;
}

/**
 * Evaluates a prompt but for its end, keeping what the sequence still holds of an earlier one. At least the last token is left, since
 * evaluating nothing yields nothing.
 *
 * @param alike Nothing but the last token is left: alone it goes the same way through the native code whether the rest was kept or not, so
 * that a repeated prompt gets the same answer.
 */
export async function evaluatePrompt(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  alike: boolean,
  signal: AbortSignal,
  onPiece: () => void = () => undefined,
): Promise<EvaluatedPrompt> {
  if (prompt.length === 0) throw new InferenceError('model_rejected', 'expected a prompt of at least one token');
  const before = prompt.slice(0, -1);
  const evaluatedBefore = sequence.tokenMeter.usedInputTokens;
  await sequence.adaptStateToTokens(before, false);
  const again = sequence.tokenMeter.usedInputTokens - evaluatedBefore; // models without a plain cache evaluate to go back
  const from = sequence.nextTokenIndex;
  const kept = Math.max(0, from - again);
  if (!alike && prompt.length - from <= fewTokens) return { rest: prompt.slice(from), kept };
  for (let at = from; at < before.length; at += pieceTokens) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(before.slice(at, at + pieceTokens));
    onPiece();
  }
  signal.throwIfAborted();
  return { rest: prompt.slice(-1), kept };
}
