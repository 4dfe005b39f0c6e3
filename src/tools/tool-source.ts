import type { Tool } from './tool.ts';

/** Tools that come from one place, and what they hold together. */
export interface ToolSource {
  readonly tools: readonly Tool[];
  /** What the place has that could not be taken, and why. */
  readonly leftOut: readonly string[];
  /** Ends connections and processes; after it no tool of it runs. Idempotent. */
  close(): Promise<void>;
}
