import type { Clock } from '../clock.ts';
import type { LifecycleState } from './lifecycle.state.ts';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
const graceMs = 100; // for whoever waits for the drain

interface Drained {
  readonly state: LifecycleState;
  /** While it starts: gives the start up. */
  drain(): Promise<void>;
  stats(): { readonly aborted: number };
}

/**
 * The first SIGINT or SIGTERM drains, a second one ends the process at once. When the drain had to abort calls, they
 * may go on for ever, aborted or not, and keep the process alive: then it is ended 100 ms later; otherwise it ends by itself, as
 * nothing of ours is left. A start is given up and the process ended when what it had opened is closed: nobody has the app yet, and
 * the start's rejection would be told as a failure. The result takes the handlers away.
 */
export function endOnSignals(app: Drained, clock: Clock): () => void {
  let asked = false;
  const on = (signal: keyof typeof exitCodes) => (): void => {
    if (asked) process.exit(exitCodes[signal]);
    asked = true;
    const isStarting = app.state === 'starting';
    const { aborted } = app.stats();
    void app.drain().then(() => {
      if (isStarting) process.exit(process.exitCode ?? exitCodes[signal]);
      if (app.stats().aborted > aborted) clock.schedule(graceMs, () => process.exit(process.exitCode ?? exitCodes[signal]));
    });
  };
  const handlers = { SIGINT: on('SIGINT'), SIGTERM: on('SIGTERM') };
  process.on('SIGINT', handlers.SIGINT).on('SIGTERM', handlers.SIGTERM);
  return () => {
    process.off('SIGINT', handlers.SIGINT).off('SIGTERM', handlers.SIGTERM);
  };
}
