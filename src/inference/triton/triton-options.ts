import type { CallContext } from '../../call.ts';
import type { ContextField } from '../../record/record-context.ts';
import type { TokenPrices } from '../../record/token-prices.ts';
import type { ChatTurn } from '../model.ts';

/** What makes turns one text, as the model was trained. */
export type ChatTemplate = 'chatml' | 'llama-3' | 'gemma' | ((turns: readonly ChatTurn[]) => string);

/** For a model that writes text: the server's generate extension. */
export interface GenerateOptions {
  /** The back end of the server that runs the model: what parameters are called, and what an answer tells. */
  readonly backend: 'vllm' | 'tensorrt-llm';
  /**
   * What makes turns one text; the server has no template of its own. Of those by name the markers in a prompt are broken by an invisible character
   * (U+200B), since the server would take them for its own; a function has to see to that itself.
   */
  readonly template: ChatTemplate;
  /** Whether answers come piece by piece (`generate_stream`). @defaultValue true */
  readonly stream?: boolean;
  /** Whether the server constrains answers to a JSON Schema: vLLM as a rule does, TensorRT-LLM with guided decoding. @defaultValue false: the prompt carries it */
  readonly jsonSchema?: boolean;
}

/** A task that a model of tensors does with texts. */
export interface TensorTask {
  /** The input that takes texts (BYTES). */
  readonly input: string;
  /** The output with a row for each text. */
  readonly output: string;
  /** The model that does it, where it is another one of the same server. @defaultValue the model */
  readonly model?: string;
}

export interface ClassifyTask extends TensorTask {
  /** What the columns of the output mean, in their order; calls may ask for some of them. */
  readonly labels: readonly string[];
  /** What the output holds. @defaultValue 'logits' */
  readonly scores?: 'logits' | 'probabilities' | 'log-probabilities';
}

/** A request's place in a sequence of them, for models that keep a state. */
export interface SequencePlace {
  /** Not 0, and not an empty text. */
  readonly id: number | string;
  readonly start?: boolean;
  readonly end?: boolean;
}

/** How to reach a model on Triton, or on any server of the Open Inference Protocol (KServe v2). */
export interface TritonOptions {
  /** Of the server, without `/v2`: `http://localhost:8000`. Credentials go into `apiKey` or `headers`. */
  readonly url: string;
  /** As the server names it. */
  readonly model: string;
  /** @defaultValue as the server chooses */
  readonly version?: string;
  /** Sent as a bearer token. @defaultValue none is sent */
  readonly apiKey?: string;
  /** Further headers of each request, such as those that Triton's restricted protocols ask for; their values are told to nobody. @defaultValue none */
  readonly headers?: Readonly<Record<string, string>>;
  /** For messages and headers. @defaultValue the model */
  readonly name?: string;
  /** For a model that writes text. @defaultValue none: chats are `capability_missing` */
  readonly generate?: GenerateOptions;
  /** What `embed` and `classify` ask. @defaultValue none */
  readonly tasks?: { readonly embed?: TensorTask; readonly classify?: ClassifyTask };
  /** Whether tensors go as bytes (binary tensor data extension), which is shorter, exact, and holds NaN. @defaultValue where the server says that it can */
  readonly binary?: boolean;
  /** The outputs that `infer` asks for. @defaultValue all */
  readonly outputs?: readonly string[];
  /** Of these outputs so many likeliest classes, as texts `score:index` or `score:index:label` (classification extension). @defaultValue none */
  readonly classification?: Readonly<Record<string, number>>;
  /** Of each request for tensors; for the model. @defaultValue none */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  /** The level of a call in the server's queue: 1 is the first, 0 the model's default. @defaultValue none is sent */
  readonly priority?: (ctx: Pick<CallContext, 'context' | 'key'>) => number;
  /** Whether the server is told what is left of the record's time, where it says that it heeds that (`schedule_policy`). @defaultValue true */
  readonly tellsTimeout?: boolean;
  /** For models that keep a state. Calls of one sequence must not overtake each other: order by key, one call at a time. @defaultValue none */
  readonly sequence?: (ctx: Pick<CallContext, 'context' | 'key'>) => SequencePlace;
  /** Joins calls of `infer` that come within so many ms into one, along their first dimension. Triton joins by itself (dynamic batching), and better. @defaultValue none: each call is a request */
  readonly batch?: { readonly maxWaitMs: number; readonly maxRows?: number };
  /** How requests and answers are packed. @defaultValue 'none' */
  readonly compression?: 'none' | 'gzip' | 'deflate';
  /** Most tokens of prompt and answer together, if you know. @defaultValue unknown: the server refuses what does not fit */
  readonly contextTokens?: number;
  /** What tokens cost; answers then tell their cost. @defaultValue unknown */
  readonly prices?: TokenPrices;
  /** What makes the requests, for a pool of connections or a proxy of your own. @defaultValue Node's */
  readonly fetch?: typeof fetch;
  /** Longest request in bytes, at least 1,024. @defaultValue 64 MiB, as Triton takes them */
  readonly maxRequestBytes?: number;
  /** Longest answer in bytes, unpacked, at least 1,024. @defaultValue 64 MiB */
  readonly maxAnswerBytes?: number;
  /** What of a record's context goes to the server as HTTP headers. @defaultValue all of it, who asked included */
  readonly contextFields?: readonly ContextField[];
}
