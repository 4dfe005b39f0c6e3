import type { Clock } from '../clock.ts';
import { Histogram } from '../report/internal/histogram.state.ts';
import { type Spread, spreadOf } from './spread.state.ts';

const everyMs = 20;

/** How the generator itself did. */
export interface GeneratorUse {
  /** How much later than it should a timer ran: so much later tokens are seen and tasks begin. */
  readonly loopDelayMs: Spread | undefined;
  /** Of one core. */
  readonly cpuShare: number;
}

/** Watches the event loop of this process, so that a generator which is the bottleneck is told as one. */
export function watchLoop(clock: Clock, cpuUs: () => number = ourCpuUs): () => GeneratorUse {
  const delays = new Histogram();
  const [startMs, startUs] = [clock.nowMs(), cpuUs()];
  let cancel = (): void => undefined;
  const arm = (): void => {
    const dueMs = clock.nowMs() + everyMs;
    cancel = clock.schedule(everyMs, () => {
      delays.add(Math.max(0, clock.nowMs() - dueMs));
      arm();
    });
  };
  arm();
  return () => {
    cancel();
    const elapsedMs = clock.nowMs() - startMs;
    return { loopDelayMs: spreadOf(delays), cpuShare: elapsedMs > 0 ? (cpuUs() - startUs) / 1_000 / elapsedMs : 0 };
  };
}

function ourCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
