import { systemClock } from '../../src/clock.ts';
import type { Opened, Resource } from '../../src/resource.ts';

/** Opens a resource outside of any pipeline. */
export const openQuietly = <T>(resource: Resource<T>): Promise<Opened<T>> =>
  resource.open({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });
