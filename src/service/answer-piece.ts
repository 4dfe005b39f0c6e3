import type { ChatChunk } from '../inference/model.ts';

export type { ToolCallPart } from '../inference/model.ts';

/** A piece of an answer, as a model tells it, or one that is asked through topics. */
export interface AnswerPiece extends ChatChunk {
  /** The answer begins anew with this piece: its worker died, and what came before is no part of it. */
  readonly anew?: true;
}
