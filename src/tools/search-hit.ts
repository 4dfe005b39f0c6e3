/** One result of a search. */
export interface SearchHit {
  readonly title: string;
  readonly url: string;
  /** The part of the page that answers best, in one line. */
  readonly snippet: string;
}
