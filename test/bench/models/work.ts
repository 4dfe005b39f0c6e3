import type { ChatTurn } from '../../../src/inference/model.ts';
import type { ProcessUse } from './process-use.ts';

/** Tokens that each answer may have. */
export const answerTokens = 24;

/** Room for a prompt and its answer, and some more. */
export const contextTokens = 256;

const system = 'You answer questions of visitors of a water mill. Be friendly, be exact, and write whole sentences.';
const things = [
  'the wheel',
  'the stones',
  'the flour',
  'the pond',
  'the miller',
  'the grain',
  'the roof',
  'the sacks',
  'the weir',
  'the bread',
];
const asks = ['Tell me a long story about', 'Explain to a child what is special about', 'Describe in many words the history of'];

/** So many questions of about 60 tokens, of which two thirds are the same in all; each is different within 300. */
export const questions = (count: number, from: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return `${asks[n % asks.length] ?? ''} ${things[n % things.length] ?? ''}, visitor number ${String(n)}.`;
  });

export const turnsOf = (question: string): readonly ChatTurn[] => [
  { role: 'system', content: system },
  { role: 'user', content: question },
];

/** The same in the words of the default model's template, for those who render for themselves. */
export const rendered = (question: string): string =>
  `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;

/** What all contenders are told. */
export interface Task {
  readonly modelPath: string;
  /** Calls at once, and so sequences. */
  readonly atOnce: number;
  readonly threads: number;
}

/** What came of some questions, asked `atOnce` at a time. */
export interface Round {
  readonly ms: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly firstTokenMs: readonly number[];
}

/** Somebody who answers questions. */
export interface Contender {
  readonly name: string;
  ask(questions: readonly string[]): Promise<Round>;
  /** Of the process that holds the model; undefined where nobody says. */
  use(): Promise<ProcessUse | undefined>;
  close(): Promise<void>;
}
