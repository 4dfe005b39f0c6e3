/** How a call ended that had a permit. */
export type CallOutcome =
  | { readonly end: 'completed' }
  | { readonly end: 'failed'; readonly error: unknown }
  /** Nobody waited for it any more: it tells nothing of the other side. */
  | { readonly end: 'aborted' };

/** Gives back a permit, or a place in the queue; calling it again does nothing. Without an outcome the call counts as aborted. */
export type Release = (outcome?: CallOutcome) => void;
