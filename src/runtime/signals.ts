import type { Clock } from '../clock.ts';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
const graceMs = 100; // for whoever waits for the drain

interface Drained {
  drain(): Promise<void>;
  stats(): { readonly aborted: number };
}

/**
 * The first SIGINT or SIGTERM drains, a second one ends the process at once. When the drain had to abort calls, they
 * may go on for ever, aborted or not, and keep the process alive: then it is ended 100 ms later; otherwise it ends by itself, as
 * nothing of ours is left. The result takes the handlers away.
 */
export function drainOnSignals(app: Drained, clock: Clock): () => void {
  let asked = false;
  const on = (signal: keyof typeof exitCodes) => (): void => {
    if (asked) process.exit(exitCodes[signal]);
    asked = true;
    const { aborted } = app.stats();
    void app.drain().then(() => {
      if (app.stats().aborted > aborted) clock.schedule(graceMs, () => process.exit(process.exitCode ?? exitCodes[signal]));
    });
  };
  const handlers = { SIGINT: on('SIGINT'), SIGTERM: on('SIGTERM') };
  process.on('SIGINT', handlers.SIGINT).on('SIGTERM', handlers.SIGTERM);
  return () => {
    process.off('SIGINT', handlers.SIGINT).off('SIGTERM', handlers.SIGTERM);
  };
}
