import type { Clock } from './clock.ts';

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

/** Makes a resource that is opened by its first user, shared by all, and closed by the last. */
export function sharedResource<T>(name: string, open: (context: OpenContext) => Promise<Opened<T>>): Resource<T> {
  let users = 0;
  let opened: Promise<Opened<T>> | undefined;
  let closing: Promise<void> = Promise.resolve();
  return {
    name,
    open: async (context) => {
      users += 1;
      opened ??= closing.then(() => open(context));
      const mine = opened;
      let held = true;
      const release = async (): Promise<void> => {
        if (!held) return;
        held = false;
        users -= 1;
        if (users > 0) return;
        opened = undefined;
        closing = mine.then(
          (one) => one.close(),
          () => undefined,
        );
        await closing;
      };
      try {
        return { value: (await mine).value, close: release };
      } catch (error) {
        await release();
        throw error;
      }
    },
  };
}
