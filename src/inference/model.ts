import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import type { CallContext } from '../call.ts';
import type { TokenPrices } from '../record/token-prices.ts';
import type { ModelTool, ToolCallPart, ToolChoice } from './model-tools.ts';
import type { ChatTurn, Prompt } from './prompt.ts';
import type { Tensor } from './tensor.ts';

export type { ModelTool, ToolCall, ToolCallPart, ToolChoice } from './model-tools.ts';
export type { ChatTurn, PreparedPrompt, Prompt } from './prompt.ts';
export type { Tensor, TensorData } from './tensor.ts';

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

/** One token of an answer, and what else the model might have said there. */
export interface TokenLogProbability {
  readonly token: string;
  /** Natural logarithm; 0 is certain. */
  readonly logProbability: number;
  /** The likeliest tokens at this place, best first; at most as many as were asked for, the chosen one may be missing. */
  readonly top: readonly { readonly token: string; readonly logProbability: number }[];
}

/** Where the time of a call went, in ms. */
export interface Timings {
  /** From subscribing to the first piece with text. */
  readonly firstTokenMs: number;
  /** From subscribing to the last piece. */
  readonly totalMs: number;
  /** Of it, what the call waited for a place in the back end; only where the back end tells. */
  readonly queuedMs?: number;
  /** Of it, what the prompt took to be evaluated; only where the back end tells. */
  readonly promptMs?: number;
}

/** A piece of an answer. The last one of a call carries usage and finish reason; its text may be empty. */
export interface ChatChunk {
  readonly text: string;
  /** 0 for the first piece. */
  readonly index: number;
  /** The tokens that `text` is made of; only where `logProbabilities` was asked for. */
  readonly tokens?: readonly TokenLogProbability[];
  /** How many of the answer's tokens came with this piece; those of all pieces sum to the output tokens of its usage. Only where the back end sees each. */
  readonly tokenCount?: number;
  /** Pieces of the tools that it asks for; only where `tools` were given. The finish reason is `stop` then, too. */
  readonly toolCalls?: readonly ToolCallPart[];
  readonly usage?: Usage;
  readonly finishReason?: FinishReason;
  /** The model that answered, as its server names it; on the last piece. */
  readonly model?: string;
  /** On the last piece. */
  readonly timings?: Timings;
  /** What the call cost, in the currency of the back end's `prices`; on the last piece, where it has prices. */
  readonly cost?: number;
  /** What `answering` has done to get it (`truncated-tail`, `summarised`, …); on the last piece. */
  readonly degraded?: readonly string[];
}

/** A piece as a back end gives it: of the times only what nobody else can know. */
export interface BackendChunk extends Omit<ChatChunk, 'timings'> {
  readonly timings?: Partial<Timings>;
}

export interface ChatOptions {
  /** Longest answer in tokens. @defaultValue 512 */
  readonly maxTokens?: number;
  /** @defaultValue 0 */
  readonly temperature?: number;
  readonly topP?: number;
  /** Only the so many likeliest tokens may come; 1 to 1,000. */
  readonly topK?: number;
  /** Only tokens at least this share as likely as the likeliest may come; 0 to 1. */
  readonly minP?: number;
  readonly seed?: number;
  /** The answer ends before the first of these. */
  readonly stop?: readonly string[];
  /** The answer ends before the first of these special tokens, such as `<|im_end|>`, as the model writes them; text never matches. */
  readonly stopTokens?: readonly string[];
  /** Tell each token's log-probability, and those of so many alternatives; 0 to 20. */
  readonly logProbabilities?: number;
  /** JSON Schema that the answer must obey; the back end constrains what it can. */
  readonly jsonSchema?: JsonSchema;
  /** What the model may ask for in place of text, or beside it; 1 to 128. `chat` alone takes them, of models that can. */
  readonly tools?: readonly ModelTool[];
  /** @defaultValue 'auto' */
  readonly toolChoice?: ToolChoice;
  /** Whether it may ask for several at once. @defaultValue as the server does */
  readonly parallelToolCalls?: boolean;
}

/** A JSON Schema, as data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface AnswerOptions<S extends StandardSchemaV1>
  extends Omit<ChatOptions, 'jsonSchema' | 'tools' | 'toolChoice' | 'parallelToolCalls'> {
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
  /** What `answering` has done to get it: `truncated-tail`, `summarised`, … */
  readonly degraded?: readonly string[];
}

export interface ClassifyOptions<L extends string> {
  /** At least two, all different. */
  readonly labels: readonly L[];
  /**
   * The same prompt with nothing in it to judge (`'N/A'`, or the like, in place of the record's text): what it makes likely is the model's own leaning, which is taken out of the
   * probabilities. One more call of one step, once for each such prompt and labels (kept for 64 of them), and by calls that start before it is known. Needs log-probabilities:
   * `capability_missing` without.
   * @defaultValue none: as the model says it
   * @see Zhao and others, "Calibrate Before Use" (2021)
   */
  readonly calibrate?: Prompt;
}

export interface Classification<L extends string> {
  readonly label: L;
  /** Probability of `label` among the labels, 0 to 1, calibrated where that was asked for; 1 where the back end cannot tell. */
  readonly confidence: number;
  /** Of each label; only where the back end sees log-probabilities. */
  readonly probabilities: Readonly<Record<L, number>> | undefined;
  readonly usage: Usage;
  readonly model: string;
  /** What `answering` has done to get it: `truncated-tail`, `summarised`, … */
  readonly degraded?: readonly string[];
}

export interface Embedding {
  /** Of length 1. */
  readonly vector: Float32Array;
  readonly usage: Usage;
  readonly model: string;
}

/** A document's place. */
export interface Ranked {
  /** In the list that was given. */
  readonly index: number;
  /** Higher is better; comparable within one call only. */
  readonly score: number;
}

export interface Reranking {
  /** Best first; every document once. */
  readonly ranking: readonly Ranked[];
  readonly usage: Usage;
  readonly model: string;
}

export interface Inference {
  readonly outputs: readonly Tensor[];
  readonly model: string;
}

/** What of `ChatOptions` a back end can honour beyond the common ones; asking for another is `capability_missing`. */
export type SamplingOption = 'topP' | 'topK' | 'minP' | 'seed' | 'stopTokens' | 'logProbabilities';

export interface ModelCapabilities {
  /** Most tokens of prompt and answer together; undefined where the back end does not tell. */
  readonly contextTokens: number | undefined;
  /** Whether `jsonSchema` constrains the answer while it is made. */
  readonly jsonSchema: boolean;
  /** Whether `classify` reads log-probabilities. */
  readonly logProbabilities: boolean;
  readonly embeddings: boolean;
  /** Whether plain text can be continued, with no template around it. */
  readonly completion: boolean;
  readonly reranking: boolean;
  /** Whether `infer` takes tensors. */
  readonly tensors: boolean;
  /** Whether `chat` takes `tools`, and the model chooses among them. @defaultValue false */
  readonly tools?: boolean;
  readonly sampling: readonly SamplingOption[];
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
  /** Continues plain text, as it stands: no template, no turns. @throws InferenceError `capability_missing` where that cannot be had. */
  complete(text: string, options?: ChatOptions, ctx?: CallContext): Observable<ChatChunk>;
  /** Emits one order of the documents, by how well each answers the query. @throws InferenceError `capability_missing` where it cannot. */
  rerank(query: string, documents: readonly string[], ctx?: CallContext): Observable<Reranking>;
  /** Emits what the model makes of named tensors. @throws InferenceError `capability_missing` where it takes none. */
  infer(inputs: readonly Tensor[], ctx?: CallContext): Observable<Inference>;
  /** Emits once how busy the model is, and completes. */
  state(): Observable<ModelState>;
  /** Completes when the next call meets a model that is loaded and quick; emits nothing. */
  warmUp(): Observable<never>;
  /** Frees what the model holds; its calls, running or new, fail with `model_unavailable`. Resources do so when they are closed. */
  dispose(): Observable<never>;
}

/** How busy a model is. */
export interface ModelState {
  /** Calls that it works on. */
  readonly running: number;
  /** Calls that wait for a place. */
  readonly waiting: number;
  /** How many it works on at once; 0: none, and that will not change by itself; undefined where nobody knows. */
  readonly slots: number | undefined;
  /** Of the room for tokens of prompts and answers, what is taken: 0 to 1. */
  readonly kvUse?: number;
  /** Of the processes that hold the model. */
  readonly memoryBytes?: number;
  readonly gpuMemoryBytes?: number;
  /** How often it was started anew after a crash. */
  readonly restarts?: number;
}

/** What a back end must bring; `completeModel` makes a {@link Model} of it. */
export interface ModelBackend {
  readonly name: string;
  readonly capabilities: ModelCapabilities;
  /** What tokens cost; calls then tell their cost. */
  readonly prices?: TokenPrices;
  chat(prompt: readonly ChatTurn[], options: ChatOptions, ctx?: CallContext): Observable<BackendChunk>;
  /** Log-probabilities of the labels as the answer's beginning; absent where it cannot. */
  labelLogProbabilities?(
    prompt: readonly ChatTurn[],
    labels: readonly string[],
    ctx?: CallContext,
  ): Observable<{ readonly logProbabilities: readonly number[]; readonly usage: Usage }>;
  embed?(texts: readonly string[], ctx?: CallContext): Observable<readonly Embedding[]>;
  countTokens(prompt: readonly ChatTurn[]): Observable<number>;
  /** Absent where the capability is. */
  complete?(text: string, options: ChatOptions, ctx?: CallContext): Observable<BackendChunk>;
  /** Scores in the order of the documents. */
  rerank?(
    query: string,
    documents: readonly string[],
    ctx?: CallContext,
  ): Observable<{ readonly scores: readonly number[]; readonly usage: Usage }>;
  infer?(inputs: readonly Tensor[], ctx?: CallContext): Observable<readonly Tensor[]>;
  /** Absent where nobody knows more than how many calls run. */
  state?(): Observable<ModelState>;
  /** Absent where there is nothing to load. */
  warmUp?(): Observable<never>;
  /** Absent where nothing is held. */
  dispose?(): Observable<never>;
}
