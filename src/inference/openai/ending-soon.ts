import { currentScope } from '../../call.ts';
import { atMost, type Clock } from '../../clock.ts';

/** From an answer's finish reason to its usage: servers that tell it do so at once. */
export const longestUsageMs = 2_000;
/** From the last that there is to know of an answer to the end of its stream; some servers never close the connection. */
export const longestEndMs = 200;

/**
 * The pieces of a stream; from when `withinMs` tells a time, only those that come within it, and within what it tells later. What a piece that is not
 * waited for holds is freed by the end of its request, which is for the caller.
 */
export async function* endingSoon<T>(stream: AsyncIterable<T>, withinMs: () => number | undefined): AsyncGenerator<T> {
  const { clock } = currentScope();
  const pieces = stream[Symbol.asyncIterator]();
  let untilMs = Infinity;
  let isLeft = false;
  try {
    for (;;) {
      untilMs = Math.min(untilMs, clock.nowMs() + (withinMs() ?? Infinity));
      const next = pieces.next();
      isLeft = untilMs < Infinity && !(await comesWithin(clock, untilMs - clock.nowMs(), next));
      if (isLeft) return;
      const piece: IteratorResult<T, unknown> = await next;
      if (piece.done === true) return;
      yield piece.value;
    }
  } finally {
    if (!isLeft) await pieces.return?.(); // it would wait for the piece that nobody waits for
  }
}

async function comesWithin(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const seen = { settled: false };
  const come = work.finally(() => {
    seen.settled = true;
  });
  await atMost(clock, limitMs, come);
  return seen.settled;
}
