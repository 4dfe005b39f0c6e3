import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import type { CallContext } from '../call.ts';

/** One turn of a conversation. */
export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A prompt: plain text is one user turn. */
export type Prompt = string | readonly ChatTurn[];

/** What a call used, in the model's own tokens. */
export interface Usage {
  readonly inputTokens: number;
  /** Of these, tokens that were not evaluated anew. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
}

/** `stop`: the model ended, or met a stop string; `length`: it was cut off; `refused`: it declined, or was filtered. */
export type FinishReason = 'stop' | 'length' | 'refused';

/** A piece of an answer. The last one of a call carries usage and finish reason; its text may be empty. */
export interface ChatChunk {
  readonly text: string;
  /** 0 for the first piece. */
  readonly index: number;
  readonly usage?: Usage;
  readonly finishReason?: FinishReason;
  /** The model that answered, as its server names it; on the last piece. */
  readonly model?: string;
}

export interface ChatOptions {
  /** Longest answer in tokens. @defaultValue 512 */
  readonly maxTokens?: number;
  /** @defaultValue 0 */
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  /** The answer ends before the first of these. */
  readonly stop?: readonly string[];
  /** JSON Schema that the answer must obey; the back end constrains what it can. */
  readonly jsonSchema?: JsonSchema;
}

/** A JSON Schema, as data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface AnswerOptions<S extends StandardSchemaV1> extends Omit<ChatOptions, 'jsonSchema'> {
  /** Any Standard Schema. Its JSON Schema (StandardJSONSchemaV1) is handed down where it can give one. */
  readonly schema: S;
  /** The JSON Schema to hand down, when `schema` cannot give one. */
  readonly jsonSchema?: JsonSchema;
  /** How often an answer that does not fit is asked for again with the validator's words. Each is a call. @defaultValue 0 */
  readonly repairs?: number;
}

/** A typed answer. */
export interface Answer<T> {
  readonly value: T;
  /** Of all calls it took, repairs included. */
  readonly usage: Usage;
  readonly model: string;
  /** How often it had to be asked for again. */
  readonly repairs: number;
}

export interface ClassifyOptions<L extends string> {
  /** At least two, all different. */
  readonly labels: readonly L[];
}

export interface Classification<L extends string> {
  readonly label: L;
  /** Probability of `label` among the labels, 0 to 1; 1 where the back end cannot tell. */
  readonly confidence: number;
  /** Of each label; only where the back end sees log-probabilities. */
  readonly probabilities: Readonly<Record<L, number>> | undefined;
  readonly usage: Usage;
  readonly model: string;
}

export interface Embedding {
  /** Of length 1. */
  readonly vector: Float32Array;
  readonly usage: Usage;
  readonly model: string;
}

export interface ModelCapabilities {
  /** Most tokens of prompt and answer together; undefined where the back end does not tell. */
  readonly contextTokens: number | undefined;
  /** Whether `jsonSchema` constrains the answer while it is made. */
  readonly jsonSchema: boolean;
  /** Whether `classify` reads log-probabilities. */
  readonly logProbabilities: boolean;
  readonly embeddings: boolean;
  /** Whether token counts are the model's own, not an estimate. */
  readonly exactTokens: boolean;
}

/**
 * A model. Every method returns a cold Observable: subscribing starts the work, unsubscribing stops it within one
 * token. Errors are InferenceErrors and OverloadErrors by code; a back end never retries by itself. A prompt that does
 * not fit fails with `prompt_too_long` before it is evaluated, and is never cut.
 *
 * `ctx` ties a call to its record (deadline, headers); it is optional in all of them.
 */
export interface Model {
  /** For messages and output headers. */
  readonly name: string;
  readonly capabilities: ModelCapabilities;
  /** Emits pieces of the answer as they are made; the last carries usage and finish reason. */
  chat(prompt: Prompt, options?: ChatOptions, ctx?: CallContext): Observable<ChatChunk>;
  /** Emits one value that fits `schema`, or fails: `answer_invalid`, `answer_truncated`, `answer_refused`, `answer_empty`. */
  answer<S extends StandardSchemaV1>(
    prompt: Prompt,
    options: AnswerOptions<S>,
    ctx?: CallContext,
  ): Observable<Answer<StandardSchemaV1.InferOutput<S>>>;
  /** Emits one label: by log-probability where the back end sees them, else by a constrained answer. */
  classify<const L extends string>(prompt: Prompt, options: ClassifyOptions<L>, ctx?: CallContext): Observable<Classification<L>>;
  /** Emits one vector per text, in order, as one array. @throws InferenceError `capability_missing` where there is no embedding. */
  embed(texts: readonly string[], ctx?: CallContext): Observable<readonly Embedding[]>;
  /** Emits the number of tokens of the prompt, as the model counts them or as near as can be told (`capabilities.exactTokens`). */
  countTokens(prompt: Prompt): Observable<number>;
  /** Emits the most tokens a call can use: prompt plus longest answer. For budgets. */
  estimate(prompt: Prompt, options?: ChatOptions): Observable<number>;
  /** Emits how busy the model is; absent where the back end cannot tell. */
  load?(): Observable<ModelLoad>;
}

/** How busy a model is. */
export interface ModelLoad {
  /** Calls that it works on. */
  readonly running: number;
  /** Calls that wait for it. */
  readonly waiting: number;
  /** How many it works on at once. */
  readonly slots: number;
}

/** What a back end must bring; `completeModel` makes a {@link Model} of it. */
export interface ModelBackend {
  readonly name: string;
  readonly capabilities: ModelCapabilities;
  chat(prompt: readonly ChatTurn[], options: ChatOptions, ctx?: CallContext): Observable<ChatChunk>;
  /** Log-probabilities of the labels as the answer's beginning; absent where it cannot. */
  labelLogProbabilities?(
    prompt: readonly ChatTurn[],
    labels: readonly string[],
    ctx?: CallContext,
  ): Observable<{ readonly logProbabilities: readonly number[]; readonly usage: Usage }>;
  embed?(texts: readonly string[], ctx?: CallContext): Observable<readonly Embedding[]>;
  countTokens(prompt: readonly ChatTurn[]): Observable<number>;
  load?(): Observable<ModelLoad>;
}
