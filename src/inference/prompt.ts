import type { ToolCall } from './model-tools.ts';

/** One turn of a conversation. */
export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** Of an assistant's turn: what it asked for. A model without tools reads it as text. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of a user's turn: the call that it is the result of. */
  readonly toolCallId?: string;
}

/** A prompt that knows where it comes from; `definePrompt` makes them. Plain data, so that it can be part of a cache's key. */
export interface PreparedPrompt {
  readonly name: string;
  readonly version: string;
  /** Of everything in it that is the same for each record: 12 hexadecimal digits. */
  readonly hash: string;
  readonly turns: readonly ChatTurn[];
}

/** A prompt: plain text is one user turn. */
export type Prompt = string | readonly ChatTurn[] | PreparedPrompt;
