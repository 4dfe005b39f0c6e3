/** What a signal exits with: 128 and its number, as shells say it. */
const exitCodeOf = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM (or {@link ask}). */
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  readonly exitCode: number | undefined;
  /** What a signal does, asked for by something else. */
  ask(by?: keyof typeof exitCodeOf): void;
  /** Takes the handlers away. */
  release(): void;
}

export interface InterruptOptions {
  /** Said at the first signal. */
  readonly first: () => void;
  /** Said before the process ends at the second one. */
  readonly second: () => void;
  /** Ends the process. */
  readonly exit: (code: number) => void;
}

/** The first SIGINT or SIGTERM asks the command to finish; a second one ends the process at once. */
export function interrupt({ first, second, exit }: InterruptOptions): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const ask = (by: keyof typeof exitCodeOf = 'SIGTERM'): void => {
    if (exitCode !== undefined) {
      second();
      exit(exitCodeOf[by]);
      return;
    }
    exitCode = exitCodeOf[by];
    first();
    controller.abort(new DOMException(`interrupted by ${by}`, 'AbortError'));
  };
  const handlers = Object.fromEntries(
    (['SIGINT', 'SIGTERM'] as const).map((name) => [
      name,
      (): void => {
        ask(name);
      },
    ]),
  );
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    ask,
    release: () => {
      for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
    },
  };
}
