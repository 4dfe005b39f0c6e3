/** What a reader of one kind of document gives. */
export interface ReadText {
  readonly text: string;
  readonly title?: string;
  /** What was left out or guessed, in words. */
  readonly warnings: readonly string[];
}
