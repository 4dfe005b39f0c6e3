import type { PreparedPrompt } from '../model.ts';

/** What stands in a prompt's slots, and the same prompt with other texts in them. */
export interface Slots {
  readonly texts: readonly string[];
  readonly refilled: (texts: readonly string[]) => PreparedPrompt;
}

/** Beside the prompts, which are plain data; a prompt that was copied has none. */
export const slotsOf = new WeakMap<PreparedPrompt, Slots>();
