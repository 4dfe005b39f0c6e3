/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly input: string;
  readonly output: string;
  /** Where calls go. */
  readonly url: string;
  readonly tokensPerMinute: number;
  readonly windowMs: number;
}

export interface Item {
  readonly id: number;
}

/** What each call may use at most, and does use by its number: known to workers and server alike. */
export const mostTokens = { inputTokens: 20, outputTokens: 60 } as const;
export const tokensOf = (id: number): { readonly inputTokens: number; readonly outputTokens: number } => ({
  inputTokens: 20,
  outputTokens: 20 + ((id * 7_919) % 41),
});
