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

/** The token that is still to be evaluated, and how many of those before it were not evaluated anew. */
export interface EvaluatedPrompt {
  readonly last: Token;
  readonly kept: number;
}

/**
 * Evaluates all of a prompt but its last token, keeping what the sequence still holds of an earlier one. The last token is
 * left for two reasons: evaluating nothing yields nothing; and alone it goes the same way through the native code whether
 * the rest was kept or not, so that a repeated prompt more often gets the same answer.
 */
export async function evaluatePrompt(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  signal: AbortSignal,
  onPiece: () => void = () => undefined,
): Promise<EvaluatedPrompt> {
  const last = prompt.at(-1);
  if (last === undefined) throw new InferenceError('model_rejected', 'expected a prompt of at least one token');
  const before = prompt.slice(0, -1);
  const evaluatedBefore = sequence.tokenMeter.usedInputTokens;
  await sequence.adaptStateToTokens(before, false);
  const again = sequence.tokenMeter.usedInputTokens - evaluatedBefore; // models without a plain cache evaluate to go back
  const kept = sequence.nextTokenIndex;
  for (let at = kept; at < before.length; at += pieceTokens) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(before.slice(at, at + pieceTokens));
    onPiece();
  }
  signal.throwIfAborted();
  return { last, kept: Math.max(0, kept - again) };
}
