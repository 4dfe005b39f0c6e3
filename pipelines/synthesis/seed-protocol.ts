import type { Findings } from './agent/findings.ts';
import type { SeedOrder } from './agent/order.ts';
import type { Question, Reply } from './agent/question.ts';

/** To the process of a seed. */
export type ToSeed =
  | { readonly kind: 'begin'; readonly order: SeedOrder }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: Reply }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: string; readonly message: string; readonly isOfAnswer: boolean };

/** From it. */
export type FromSeed =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | ({ readonly kind: 'done'; readonly findings: Findings } & Used)
  | ({ readonly kind: 'failed'; readonly code: string; readonly message: string } & Used);

/** Of the process's processor and memory. */
export interface Used {
  readonly cpuMs: number;
  readonly maxRssBytes: number;
}
