import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { InferenceError } from '../../../errors.ts';
import type { StepMark } from './step-items.ts';

/**
 * A prompt is evaluated in pieces, and the signal looked at between: an abort waits for one piece (37-125 ms on 2 cores) and
 * not for the prompt (1.2 s for 600 tokens). Costs about 10 %.
 */
export const mostPieceTokens = 96;

/** @throws InferenceError `prompt_too_long`: native code would shift the context, and drop text in silence. */
export function requireRoom(promptTokens: number, answerTokens: number, contextTokens: number): void {
  if (promptTokens + answerTokens <= contextTokens) return;
  throw promptTooLong(`${String(promptTokens)} tokens of prompt and ${String(answerTokens)} of answer`, contextTokens);
}

export const promptTooLong = (got: string, contextTokens: number): InferenceError =>
  new InferenceError(
    'prompt_too_long',
    `expected at most ${String(contextTokens)} tokens together, got ${got}: shorten it, lower maxTokens, or raise llama.contextTokens`,
  );

/** So few tokens are not worth a step of their own: it would cost each answer one more, 4 % of 24 tokens. */
const fewTokens = 32;

/** What of the prompt is still to be evaluated, at least its last token, how many of its tokens were not evaluated anew, and where. */
export interface EvaluatedPrompt {
  readonly mark: StepMark;
  readonly rest: readonly Token[];
  readonly kept: number;
}

export interface Evaluation {
  /** Of the sequence. */
  readonly mark: StepMark;
  /**
   * Prompts go the same way through the native code whether their beginning was kept or not: their last token alone, all others not.
   */
  readonly alike: boolean;
  /** One more at most are evaluated in one step. */
  readonly pieceTokens: number;
  readonly signal: AbortSignal;
  readonly onPiece: () => void;
}

/**
 * Evaluates a prompt but for its end, keeping what the sequence still holds of an earlier one. At least the last token is left, since
 * evaluating nothing yields nothing.
 */
export async function evaluatePrompt(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  { mark, alike, pieceTokens, signal, onPiece }: Evaluation,
): Promise<EvaluatedPrompt> {
  if (prompt.length === 0) throw new InferenceError('model_rejected', 'expected a prompt of at least one token');
  const before = prompt.slice(0, -1);
  const evaluatedBefore = sequence.tokenMeter.usedInputTokens;
  await sequence.adaptStateToTokens(before, false);
  const again = sequence.tokenMeter.usedInputTokens - evaluatedBefore; // models without a plain cache evaluate to go back
  // a token of a prompt that is evaluated alone goes another way than one among others
  if (alike && sequence.nextTokenIndex === before.length - 1) await sequence.adaptStateToTokens(before.slice(0, -2), false);
  const from = sequence.nextTokenIndex;
  const kept = Math.max(0, from - again);
  if (!alike && prompt.length - from <= fewTokens) return { rest: prompt.slice(from), kept, mark };
  for (let at = from; at < before.length; ) {
    signal.throwIfAborted();
    const to = before.length - at - pieceTokens === 1 ? before.length : at + pieceTokens; // never one token alone
    await sequence.evaluateWithoutGeneratingNewTokens(before.slice(at, to), mark);
    at = to;
    onPiece();
  }
  signal.throwIfAborted();
  return { rest: prompt.slice(-1), kept, mark };
}
