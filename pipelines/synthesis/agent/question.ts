import type { ChatTurn } from 'millrace';

/** What is asked of a model while a seed is worked on: always for JSON that fits a schema. */
export interface Question {
  readonly step: 'explore' | 'write' | 'answer' | 'compare';
  readonly turns: readonly ChatTurn[];
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
}

export interface Reply {
  /** Fits the question's schema. */
  readonly value: unknown;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** @throws QuestionError where there is no answer. */
export type AskModel = (question: Question) => Promise<Reply>;
