import type { Prompt } from '../model.ts';

/** What happened to a scripted model; read it at any time. */
export interface ScriptedStats {
  /** Calls that were started. */
  readonly calls: number;
  readonly running: number;
  /** The most that ever ran at once. */
  readonly maxRunning: number;
  readonly completed: number;
  readonly failed: number;
  /** Unsubscribed before their end. */
  readonly aborted: number;
  /** How often this prompt was called. */
  callsOf(prompt: Prompt): number;
  /** The prompts that were called more than once, with how often. */
  repeated(): ReadonlyMap<string, number>;
}

type Outcome = 'completed' | 'failed' | 'aborted';

/** The counts, and the hand that counts. Holds at most `most` prompts. */
export function scriptedStats(most: number, textOf: (prompt: Prompt) => string) {
  const counts = { calls: 0, running: 0, maxRunning: 0, completed: 0, failed: 0, aborted: 0 };
  const byPrompt = new Map<string, number>();
  const begin = (text: string): { readonly nth: number; readonly ended: (outcome: Outcome) => void } => {
    counts.calls += 1;
    counts.running += 1;
    counts.maxRunning = Math.max(counts.maxRunning, counts.running);
    const nth = (byPrompt.get(text) ?? 0) + 1;
    byPrompt.set(text, nth);
    if (byPrompt.size > most) {
      const [oldest] = byPrompt.keys();
      if (oldest !== undefined) byPrompt.delete(oldest);
    }
    return {
      nth,
      ended: (outcome) => {
        counts.running -= 1;
        counts[outcome] += 1;
      },
    };
  };
  const stats: ScriptedStats = {
    get calls() {
      return counts.calls;
    },
    get running() {
      return counts.running;
    },
    get maxRunning() {
      return counts.maxRunning;
    },
    get completed() {
      return counts.completed;
    },
    get failed() {
      return counts.failed;
    },
    get aborted() {
      return counts.aborted;
    },
    callsOf: (prompt) => byPrompt.get(textOf(prompt)) ?? 0,
    repeated: () => new Map([...byPrompt].filter(([, count]) => count > 1)),
  };
  return { stats, counter: { begin } };
}
