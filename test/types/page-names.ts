// What the fragments on the pages speak of without saying where it comes from. test/docs/pages.test.ts compiles them with it.
import {
  type BatchEnvelope,
  type CallCache,
  type CallContext,
  type CircuitBreaker,
  type EngineGate,
  type Envelope,
  json,
  type Model,
  type Permits,
  type Pipeline,
  type Resource,
  type RateLimit,
  type RetryBudget,
  type TokenBudget,
  type Topic,
  topic,
} from 'millrace';
import type { Observable } from 'rxjs';
import { z } from 'zod';

export const Judgement = z.object({ mood: z.string(), sure: z.number() });
export const Trend = z.object({ rises: z.boolean() });
export declare const schema: typeof Judgement;
const reviewSchema = z.object({ text: z.string(), language: z.string(), live: z.boolean(), stars: z.number().optional() });
export type Review = z.infer<typeof reviewSchema>;
export type Rated = Review & { readonly stars: number };
interface Order {
  readonly account: string;
  readonly dueAt: string;
}

export declare const texts: Observable<Envelope<string>>;
export declare const batches: Observable<BatchEnvelope<string>>;
export declare const reviews: Observable<Envelope<Review>>;
export declare const readings: Observable<Envelope<number>>;
export declare const orders: Observable<Envelope<Order>>;
export declare const documents: Observable<Envelope<string>>;
export declare const review: Review;

export declare const model: Model;
export declare const large: Model;
export declare const small: Model;
export declare const vllm: Resource<Model>;
export declare const ctx: CallContext;
export declare const prompt: string;
export declare const labels: readonly ['good', 'bad'];
export declare const url: string;
export declare const key: string;
export declare const estimate: () => number;
export declare const smaller: Observable<string>;
export declare function promptOf(value: Review | Order | readonly number[]): string;
export declare function judge(value: Review, ctx: CallContext): Observable<string>;
export declare function byRule(value: Review): string;
export declare function paragraphs(document: string): readonly string[];

export declare const slots: Permits;
export declare const gate: EngineGate;
export declare const rate: RateLimit;
export declare const budget: TokenBudget;
export declare const breaker: CircuitBreaker;
export declare const hedges: RetryBudget;
export declare const cache: CallCache;

export declare const tickets: Topic<{ readonly id: string; readonly text: string }>;
export declare const judged: Topic<{ readonly id: string; readonly mood: string }>;
export declare const pipeline: Pipeline;

/** What a fragment of kind `ts pipeline` leaves out. */
export const rest = { name: 'rest', input: topic('reviews', json(reviewSchema)), deadLetter: topic('reviews.dead') } as const;
