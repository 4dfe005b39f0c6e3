import { abortReason, type Clock } from './clock.ts';

/** What a resource may use while it is opened. */
export interface OpenContext {
  readonly clock: Clock;
  /** Aborted when the start is given up. */
  readonly signal: AbortSignal;
  /** Progress and trouble, for people; never payloads or secrets. */
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, details?: Readonly<Record<string, unknown>>) => void;
}

/** An opened resource and how to close it. */
export interface Opened<T> {
  readonly value: T;
  /** Idempotent; resolves when everything it held is free. */
  readonly close: () => Promise<void>;
}

/**
 * Something a pipeline needs for as long as it runs: a model, a pool, a shared limit. A resource is a value that starts
 * nothing; the runtime opens it before the first record and closes it after the last. One resource given to several
 * pipelines is opened once and shared by them.
 */
export interface Resource<T> {
  /** For messages. */
  readonly name: string;
  open(context: OpenContext): Promise<Opened<T>>;
}

/** What `process` gets for `resources`. */
export type OpenedResources<R extends Readonly<Record<string, Resource<unknown>>>> = {
  readonly [K in keyof R]: R[K] extends Resource<infer T> ? T : never;
};

/**
 * Makes a resource that is opened by its first user, shared by all, and closed by the last. The signal that `open` is given
 * aborts when nobody waits for it any more: one user who gives up does not take it from the others.
 */
export function sharedResource<T>(name: string, open: (context: OpenContext) => Promise<Opened<T>>): Resource<T> {
  let users = 0;
  let shared: Shared<T> | undefined;
  let closing: Promise<void> = Promise.resolve();
  const begin = (context: OpenContext): Shared<T> => {
    const nobodyWaits = new AbortController();
    const opened = closing.then(() => open({ ...context, signal: nobodyWaits.signal }));
    const begun: Shared<T> = { nobodyWaits, opened, isOpen: false };
    const over = (): void => {
      begun.isOpen = true;
    };
    opened.then(over, over);
    return begun;
  };
  return {
    name,
    open: async (context) => {
      context.signal.throwIfAborted();
      users += 1;
      const mine = (shared ??= begin(context));
      let held = true;
      const release = async (): Promise<void> => {
        if (!held) return;
        held = false;
        users -= 1;
        if (users > 0) return;
        shared = undefined;
        if (!mine.isOpen) mine.nobodyWaits.abort(new DOMException('nobody waits for it any more', 'AbortError'));
        closing = mine.opened.then(
          (one) => one.close(),
          () => undefined,
        );
        await closing;
      };
      try {
        return { value: (await unlessAborted(context.signal, mine.opened)).value, close: release };
      } catch (error) {
        await release();
        throw error;
      }
    },
  };
}

interface Shared<T> {
  readonly opened: Promise<Opened<T>>;
  readonly nobodyWaits: AbortController;
  isOpen: boolean;
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(abortReason(signal));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
