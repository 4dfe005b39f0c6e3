/** A page of a kept library. */
export interface CorpusPage {
  readonly url: string;
  readonly title: string;
  /** As `normaliseText` leaves it. */
  readonly text: string;
}
