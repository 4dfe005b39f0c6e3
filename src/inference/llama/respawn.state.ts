/** First wait after a crash; doubles with each, up to the cap. */
const initialMs = 100;
const maxMs = 3_000;
/** So many crashes within the window mean that starting again does not help: rest before the next try. */
const maxCrashes = 6;
const windowMs = 60_000;
const restMs = 30_000;

/** When the model's process has ended by itself, oldest first; only those of the last minute. */
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

/** What to do about a crash. No jitter: nobody else starts at the same time. */
export function afterCrash(state: RespawnState, nowMs: number): RespawnDecision {
  const crashedAtMs = [...state.crashedAtMs.filter((at) => nowMs - at < windowMs), nowMs].slice(-maxCrashes);
  const resting = crashedAtMs.length === maxCrashes;
  // after the rest one more crash is enough to rest again, as long as the window remembers
  const delayMs = resting ? restMs : Math.min(maxMs, initialMs * 2 ** (crashedAtMs.length - 1));
  return { state: { crashedAtMs }, delayMs, resting };
}
