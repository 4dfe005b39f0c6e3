import type { ErrorCode } from '../errors.ts';
import { Chunker, type TextChunk, type ToldToken } from './chunker.state.ts';

/** What an answer took, in the model's own tokens. */
export interface UsedTokens {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
}

interface Numbered {
  /** 1, 2, …; never given twice, also when the answer begins anew. */
  readonly number: number;
  /** 1 at first. When it is higher than before, what came before is not part of the answer: replace it. */
  readonly attempt: number;
}

/** A piece of a call of a tool: the first of each has id and name, the arguments of all make its JSON. */
interface ToldToolCall {
  /** Which call of the answer: 0, 1, … */
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
}

/** A piece of the answer. */
export interface GenerationChunk extends Numbered {
  readonly kind: 'chunk';
  readonly text: string;
  /** Tokens since the chunk before. */
  readonly tokenCount: number;
  /** Tokens of this attempt so far. */
  readonly totalTokenCount: number;
  /** All tokens of the attempt, a second since the request began. */
  readonly tokenRate: number;
  /** Only where they were asked for. */
  readonly logProbabilities: readonly ToldToken[];
  /** Pieces of calls of tools; only where tools were given. */
  readonly toolCalls?: readonly ToldToolCall[];
}

/** The answer is whole. */
export interface GenerationEnd extends Numbered {
  readonly kind: 'end';
  /** The model ended, was cut off, or declined. */
  readonly finishReason: 'stop' | 'length' | 'refused';
  readonly usage: UsedTokens;
  /** As the back end names it. */
  readonly model: string;
}

/** There will be no more of it. */
export interface GenerationFailure extends Numbered {
  readonly kind: 'error';
  /** `cancelled`: somebody asked for its end, or nobody read it any more. */
  readonly code: ErrorCode | 'cancelled';
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

export type GenerationEvent = GenerationChunk | GenerationEnd | GenerationFailure;

export interface GenerationRules {
  /** Whether pieces are joined into chunks that are worth an event. */
  readonly chunked: boolean;
  /** Of texts that are kept for who comes later; the oldest go first. */
  readonly maxKeptBytes: number;
}

/** An answer as it comes, numbered and kept for readers that come late, come again, or are slow. Holds `maxKeptBytes`, or one chunk that is larger. */
export class GenerationState {
  readonly startedMs: number;
  readonly #rules: GenerationRules;
  #chunker = new Chunker();
  #kept: GenerationEvent[] = [];
  /** The number of the first that is kept, and of the first of this attempt. */
  #first = 1;
  #attemptFrom = 1;
  #next = 1;
  #bytes = 0;
  #attempt = 1;
  #tokens = 0;
  #hasText = false;
  #endedMs: number | undefined;

  constructor(startedMs: number, rules: GenerationRules) {
    this.startedMs = startedMs;
    this.#rules = rules;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** Whether something of this attempt has been told. */
  get hasText(): boolean {
    return this.#hasText;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** The number of the last event. */
  get last(): number {
    return this.#next - 1;
  }

  get endedMs(): number | undefined {
    return this.#endedMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Pieces of calls are never joined with others: readers put them together by their numbers. */
  piece(
    text: string,
    tokens: number,
    logProbabilities: readonly ToldToken[] | undefined,
    nowMs: number,
    toolCalls: readonly ToldToolCall[] = [],
  ): void {
    const isCall = toolCalls.length > 0;
    if (!isCall || text !== '') {
      const chunk = this.#rules.chunked
        ? this.#chunker.push(text, tokens, logProbabilities)
        : text === '' && tokens === 0
          ? undefined
          : { text, tokens, logProbabilities: logProbabilities ?? [] };
      if (chunk) this.#chunk(chunk, nowMs);
    }
    if (!isCall) return;
    const waits = this.#chunker.flush();
    if (waits) this.#chunk(waits, nowMs);
    this.#chunk({ text: '', tokens: text === '' ? tokens : 0, logProbabilities: [] }, nowMs, toolCalls);
  }

  /** The answer begins anew: nothing of what was told is part of it. */
  restart(): void {
    this.#attempt += 1;
    this.#chunker = new Chunker();
    this.#kept = [];
    this.#bytes = 0;
    this.#first = this.#next;
    this.#attemptFrom = this.#next;
    this.#tokens = 0;
    this.#hasText = false;
  }

  /** `usage` tells all tokens: what no piece has told of is counted with the last. */
  end({ finishReason, usage, model }: Pick<GenerationEnd, 'finishReason' | 'usage' | 'model'>, nowMs: number): void {
    const untold = Math.max(0, usage.outputTokens - this.#tokens - this.#chunker.waiting);
    const last = this.#chunker.flush(untold);
    if (last) this.#chunk(last, nowMs);
    this.#keep({ kind: 'end', ...this.#numbers(), finishReason, usage, model });
    this.#endedMs = nowMs;
  }

  /** What has come of the answer is told before. */
  fail(error: Pick<GenerationFailure, 'code' | 'message' | 'retryAfterMs'>, nowMs: number): void {
    const last = this.#chunker.flush();
    if (last) this.#chunk(last, nowMs);
    this.#keep({ kind: 'error', ...this.#numbers(), ...error });
    this.#endedMs = nowMs;
  }

  /** At most `most` events behind `number`, or `lost` where some of these are not kept any more (those of an attempt that was given up are not missed). */
  after(number: number, most = Infinity): readonly GenerationEvent[] | 'lost' {
    const from = Math.max(number + 1, this.#attemptFrom);
    if (from < this.#first) return 'lost';
    const at = from - this.#first;
    return this.#kept.slice(at, at + most);
  }

  /** Nobody asks for these any more. */
  forget(upTo: number): void {
    while (this.#first <= upTo && this.#kept.length > 0) this.#drop();
  }

  #numbers(): Numbered {
    return { number: this.#next++, attempt: this.#attempt };
  }

  #chunk({ text, tokens, logProbabilities }: TextChunk, nowMs: number, toolCalls?: readonly ToldToolCall[]): void {
    this.#hasText = true;
    this.#tokens += tokens;
    const seconds = Math.max(1, nowMs - this.startedMs) / 1_000;
    const counts = { tokenCount: tokens, totalTokenCount: this.#tokens, tokenRate: this.#tokens / seconds };
    this.#keep({ kind: 'chunk', ...this.#numbers(), text, ...counts, logProbabilities, ...(toolCalls && { toolCalls }) });
  }

  #keep(event: GenerationEvent): void {
    this.#kept.push(event);
    this.#bytes += bytesOf(event);
    while (this.#bytes > this.#rules.maxKeptBytes && this.#kept.length > 1) this.#drop();
  }

  #drop(): void {
    const event = this.#kept.shift();
    if (event === undefined) return;
    this.#bytes -= bytesOf(event);
    this.#first = event.number + 1;
  }
}

const ownBytes = 200; // of an event, beside its text

const bytesOf = (event: GenerationEvent): number => {
  if (event.kind === 'end') return ownBytes;
  if (event.kind === 'error') return ownBytes + event.message.length;
  const called = (event.toolCalls ?? []).reduce((sum, one) => sum + ownBytes + one.arguments.length * 2, 0);
  return ownBytes + event.text.length * 2 + event.logProbabilities.length * ownBytes + called;
};
