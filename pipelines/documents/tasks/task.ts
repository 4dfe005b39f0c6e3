import type { CallContext, Model, PreparedPrompt } from 'millrace';
import type { Observable } from 'rxjs';
import type { Json } from '../merge/merge-extractions.ts';

/** A piece of a document. */
export interface Piece {
  readonly index: number;
  readonly text: string;
  readonly tokens: number;
  /** Of the text. */
  readonly hash: string;
}

/** What a model has answered, and what that took. */
export interface Asked {
  readonly value: Json;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** How answers are made; what of it a task uses is part of what its answers depend on. */
export interface AskSettings {
  readonly temperature: number;
}

/** One question about one text. Its answer depends on nothing else: the same question is answered from the journal. */
export interface Question {
  /** What is asked: `summarize`, `summarize/reduce`, … */
  readonly step: string;
  /** The prompt about a text; absent where there is none, as for vectors. */
  readonly prompt?: (text: string) => PreparedPrompt;
  /** Longest answer, in tokens; 0 where nothing is written. */
  readonly maxTokens: number;
  /** What else the answer depends on: labels, a schema, a language. */
  readonly about?: Json;
  /** Whether a shorter text may be asked about, where the whole one is too much. */
  readonly mayShorten: boolean;
  /** Nobody else's answer will do: vectors of two models cannot be compared, or made one of. @defaultValue false */
  readonly ofOneModel?: boolean;
  /** One cold call, that emits once. */
  readonly ask: (model: Model, text: string, settings: AskSettings, ctx: CallContext) => Observable<Asked>;
}

/** A chunk and what came of it. */
export interface Part {
  readonly index: number;
  readonly tokens: number;
  readonly value: Json;
}

/** What a task may ask for while it puts its parts together. */
export interface MergeTools {
  /** Asks a question under all policies, from the journal if it was asked before. Emits undefined where there is no answer: then the whole is partial, and marked as such. */
  readonly ask: (question: Question, text: string) => Observable<Json | undefined>;
  readonly countTokens: (text: string) => Promise<number>;
  /** Most tokens of a text that fit beside the question and its answer. */
  readonly room: (question: Question) => Promise<number>;
}

/** How tasks are put to models. */
export interface TaskOptions {
  /** How the labels of chunks become one. */
  readonly vote: 'majority' | 'weighted';
  /** How text stands in prompts: see `definePrompt`. Fenced where documents are anybody's; bare for models too small to make sense of marks. */
  readonly slots: 'fenced' | 'bare';
}

/** What is to be found out about each document. */
export interface Task {
  /** As it was given: the name of its answer. */
  readonly label: string;
  readonly kind: 'summarize' | 'classify' | 'keywords' | 'translate' | 'embed' | 'extract';
  readonly question: Question;
  /** Whether chunks may share text with their neighbours. False where every sentence must come once. */
  readonly mayOverlap: boolean;
  /** A share of the model's context that a chunk may take at most; the rest is the answer's. */
  readonly contextShare: number;
  /** Makes one answer of those about the chunks, of which there is at least one, in their order. */
  merge(parts: readonly Part[], tools: MergeTools): Observable<Json>;
}
