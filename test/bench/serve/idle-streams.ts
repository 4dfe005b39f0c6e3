import { systemClock } from '../../../src/clock.ts';
import { loadPlan } from '../../../src/load/load-plan.ts';
import type { LoadTally } from '../../../src/load/load-tally.state.ts';
import { press } from '../../../src/load/press.ts';
import { ownPrompts } from '../../../src/load/prompts.ts';
import { startWorker } from '../../helpers/worker.ts';

const patienceMs = 60_000;
const restMs = 1_000;

/** So many streams, opened and left with their first token: what a service holds of them, against the same service after as many that have ended. */
export async function idleStreams(streams: number, signal: AbortSignal) {
  const worker = startWorker(new URL('idle-program.ts', import.meta.url), { streams }, ['--expose-gc']);
  const bytes = async (): Promise<number> => {
    worker.say('memory');
    return (await worker.next<{ readonly bytes: number }>('memory')).bytes;
  };
  try {
    const { url } = await worker.next<{ readonly url: string }>('ready');
    await held(url, 20, signal, () => Promise.resolve()); // what is loaded and compiled for the first ones is no stream's
    const before = await bytes();
    let after = before;
    const open = await held(url, streams, signal, async () => {
      after = await bytes();
    });
    return { open, bytes: after, moreBytes: after - before };
  } finally {
    await worker.end(0);
  }
}

/** Opens them, looks when each has its first token, and lets them go. */
async function held(url: string, streams: number, signal: AbortSignal, look: () => Promise<void>): Promise<number> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let tally: LoadTally | undefined;
  const running = press({
    plan: loadPlan({ url: `${url}/v1/generate`, queues: streams, loops: 1, timeout: '5m' }),
    ...{ prompts: ownPrompts, promptsFrom: 'here', clock: systemClock, signal: either },
    onBegin: (begun) => {
      tally = begun;
    },
  });
  const untilMs = systemClock.nowMs() + patienceMs;
  const arrived = (): number => tally?.now().tokensArrived ?? 0;
  while (arrived() < streams && systemClock.nowMs() < untilMs && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, restMs)); // it has nothing to do any more
  const open = Math.min(arrived(), tally?.now().open ?? 0);
  await look();
  stop.abort();
  await running;
  return open;
}
