import type { EngineActivity } from './protocol.ts';

/** What several processes have done and do, together. */
export function summedActivity(known: readonly EngineActivity[]): EngineActivity {
  const sum = (of: (one: EngineActivity) => number): number => known.reduce((total, one) => total + of(one), 0);
  return {
    inputTokens: sum((one) => one.inputTokens),
    outputTokens: sum((one) => one.outputTokens),
    running: sum((one) => one.running),
    waiting: sum((one) => one.waiting),
    heldTokens: sum((one) => one.heldTokens),
    memoryBytes: sum((one) => one.memoryBytes),
  };
}
