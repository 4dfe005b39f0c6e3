import type { ChatTurn } from '../model.ts';

/** What the markers of a turn take in common chat templates. */
const perTurn = 4;

/**
 * About how many tokens a text has, for models whose tokenizer is not at hand: a token is 4 characters of English, and about
 * one of other scripts. Off by 20 % in prose, by more in code and long numbers.
 */
export function estimateTokens(text: string): number {
  let ascii = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x80) ascii += 1;
  return Math.ceil(ascii / 4) + (text.length - ascii);
}

/** The same for a prompt. */
export const estimatePromptTokens = (turns: readonly ChatTurn[]): number =>
  turns.reduce((sum, { content }) => sum + perTurn + estimateTokens(content), 0);
