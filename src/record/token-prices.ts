/** What tokens cost, for a million of them, in a currency of the user's. */
export interface TokenPrices {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  /** For tokens of the prompt that were not evaluated anew. @defaultValue as any other of the prompt */
  readonly cachedPerMillion?: number;
}
