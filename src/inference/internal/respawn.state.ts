/** First wait after a crash; doubles with each that follows, up to the cap. */
const initialMs = 100;
const maxMs = 3_000;
/** So many crashes in a row, with nothing done between them, mean that starting again does not help: rest before the next try. */
const maxCrashes = 6;
const windowMs = 60_000;
const restMs = 30_000;

/** When the model's process has ended by itself without having done anything, oldest first; only those of the last minute. */
export interface RespawnState {
  readonly crashedAtMs: readonly number[];
}

export const neverCrashed: RespawnState = { crashedAtMs: [] };

export interface RespawnDecision {
  readonly state: RespawnState;
  /** Start again after so long. */
  readonly delayMs: number;
  /** Works are refused until then, instead of waiting. */
  readonly resting: boolean;
}

/**
 * What to do about a crash; `useful`: the process had done something before. One that works in between is worth starting at once,
 * however often it crashes. No jitter: nobody else starts at the same time.
 */
export function afterCrash(state: RespawnState, nowMs: number, useful: boolean): RespawnDecision {
  const before = useful ? [] : state.crashedAtMs.filter((at) => nowMs - at < windowMs);
  const crashedAtMs = [...before, nowMs].slice(-maxCrashes);
  const resting = crashedAtMs.length === maxCrashes;
  // after the rest one more crash is enough to rest again, as long as the window remembers
  const delayMs = resting ? restMs : Math.min(maxMs, initialMs * 2 ** (crashedAtMs.length - 1));
  return { state: { crashedAtMs }, delayMs, resting };
}
