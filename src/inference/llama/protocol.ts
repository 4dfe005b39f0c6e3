import type { ErrorCode } from '../../errors.ts';
import type { EngineTuning } from './engine-options.ts';
import type { ChatTurn, FinishReason, JsonSchema, TokenLogProbability, Usage } from '../model.ts';

/*
 * What the application and the model's process tell each other, over the IPC channel, structured-cloned.
 *
 * 1. `open`, once, first; answered by `opened` or `openFailed` (the child then ends).
 * 2. `start` begins a work under an id that is never used again; answered by any number of `text` and exactly one of `done`
 *    and `failed`, unless it is cancelled.
 * 3. `cancel` stops a work within one token; nothing more is told of it but `stopped`, when it holds nothing any more. An id that is
 *    unknown or over is ignored.
 * 4. When the channel closes, from either side and for any reason, the child ends and the application takes every open
 *    work for failed.
 */

export interface EngineSettings {
  readonly modelPath: string;
  /** Of the file whose header the application has read; a process loads no other. */
  readonly modelIdentity: string;
  readonly gpu: 'auto' | 'cuda' | 'vulkan' | 'metal' | false;
  /** Undefined: what the model was trained with, at most 2,048; `auto`: as many of these as memory allows. */
  readonly contextTokens: number | 'auto' | undefined;
  /** Of the memory that `auto` may take: the processes of a model start side by side. */
  readonly memoryShare: number;
  readonly sequences: number;
  readonly threads: number;
  readonly flashAttention: boolean;
  readonly embeddings: boolean;
  readonly tuning: EngineTuning;
}

export interface EngineFacts {
  /** As the model's file names it. */
  readonly modelName: string;
  readonly contextTokens: number;
  readonly trainedTokens: number;
  readonly gpu: string | false;
}

export interface ChatSettings {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly minP: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  readonly stopTokens: readonly string[];
  readonly logProbabilities: number | undefined;
  readonly jsonSchema: JsonSchema | undefined;
}

export type Work =
  | { readonly kind: 'chat'; readonly turns: readonly ChatTurn[]; readonly settings: ChatSettings }
  | { readonly kind: 'complete'; readonly text: string; readonly settings: ChatSettings }
  | { readonly kind: 'labels'; readonly turns: readonly ChatTurn[]; readonly labels: readonly string[] }
  | { readonly kind: 'embed'; readonly texts: readonly string[] }
  | { readonly kind: 'count'; readonly turns: readonly ChatTurn[] }
  | { readonly kind: 'activity' };

/** What the engine has done and does, for metrics and tests. */
export interface EngineActivity {
  /** Tokens of prompts that were evaluated, and tokens generated, since the start. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Works that hold a sequence, and works that wait for one. */
  readonly running: number;
  readonly waiting: number;
  /** Tokens whose keys and values the sequences hold. */
  readonly heldTokens: number;
  /** Of the process; what it shares with others of its kind counts in part, where the system tells. */
  readonly memoryBytes: number;
}

/** In ms, as {@link Timings} has them. */
export interface EngineTimings {
  /** From the start of the work to its sequence; what it waited for the process comes on top. */
  readonly queuedMs: number;
  /** From there to its first token. */
  readonly promptMs: number;
}

export interface WorkResults {
  readonly chat: { readonly usage: Usage; readonly finishReason: FinishReason; readonly timings: EngineTimings };
  readonly complete: WorkResults['chat'];
  readonly labels: { readonly logProbabilities: readonly number[]; readonly usage: Usage };
  readonly embed: { readonly vectors: readonly Float32Array[]; readonly usages: readonly Usage[] };
  readonly count: { readonly tokens: number };
  readonly activity: EngineActivity;
}

/** An error as data: classes do not survive the way. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
}

export type WorkEvent =
  | {
      readonly kind: 'text';
      readonly id: number;
      readonly text: string;
      /** How many tokens begin in the text. */
      readonly tokenCount: number;
      readonly tokens?: readonly TokenLogProbability[];
    }
  | { readonly kind: 'done'; readonly id: number; readonly result: WorkResults[keyof WorkResults] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorData }
  | { readonly kind: 'stopped'; readonly id: number };

export type ToChild =
  | { readonly kind: 'open'; readonly settings: EngineSettings }
  | { readonly kind: 'start'; readonly id: number; readonly work: Work }
  | { readonly kind: 'cancel'; readonly id: number };

export type FromChild =
  | { readonly kind: 'opened'; readonly facts: EngineFacts }
  | { readonly kind: 'openFailed'; readonly error: ErrorData }
  /** What has happened since the last one, in order; one message for all works keeps the application's event loop free. */
  | { readonly kind: 'events'; readonly events: readonly WorkEvent[] }
  | { readonly kind: 'log'; readonly level: 'debug' | 'warn' | 'error'; readonly message: string };
