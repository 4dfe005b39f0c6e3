const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first SIGINT or SIGTERM drains, a second one ends the process at once. The result takes the handlers away. */
export function drainOnSignals(app: { drain(): Promise<void> }): () => void {
  let asked = false;
  const on = (signal: keyof typeof exitCodes) => (): void => {
    if (asked) process.exit(exitCodes[signal]);
    asked = true;
    void app.drain();
  };
  const handlers = { SIGINT: on('SIGINT'), SIGTERM: on('SIGTERM') };
  process.on('SIGINT', handlers.SIGINT).on('SIGTERM', handlers.SIGTERM);
  return () => {
    process.off('SIGINT', handlers.SIGINT).off('SIGTERM', handlers.SIGTERM);
  };
}
