// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- these measure the process; they give nobody the time
import { constants, monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** What the process uses of its machine; totals count from the start of the process, those of collections from the first look. */
export interface MachineState {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
  /** Collections by kind. */
  readonly collections: Readonly<Record<'minor' | 'major' | 'incremental' | 'weak', { readonly count: number; readonly seconds: number }>>;
  /** The time in which the event loop had work. */
  readonly loopActiveSeconds: number;
  /** Of the delays since the watch began. */
  readonly loopDelaySeconds: { readonly p50: number; readonly p99: number; readonly max: number };
}

const kindOf: Readonly<Record<number, keyof MachineState['collections']>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak',
};

/** Watches the process until it is stopped. Holds a histogram of fixed size and a few counters. */
export function watchMachine(): { readonly read: () => MachineState; readonly stop: () => void } {
  const none = () => ({ count: 0, seconds: 0 });
  const collections = { minor: none(), major: none(), incremental: none(), weak: none() };
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as typeof entry & { readonly detail: { readonly kind: number } };
      const { [kindOf[detail.kind] ?? 'weak']: one } = collections;
      one.count += 1;
      one.seconds += duration / 1_000;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  const seconds = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0);
  return {
    read: () => {
      const { user, system } = process.cpuUsage();
      const { used_heap_size: heapUsedBytes, heap_size_limit: heapLimitBytes } = getHeapStatistics();
      return {
        cpuSeconds: (user + system) / 1e6,
        rssBytes: process.memoryUsage.rss(),
        heapUsedBytes,
        heapLimitBytes,
        collections: structuredClone(collections),
        loopActiveSeconds: performance.eventLoopUtilization().active / 1_000,
        loopDelaySeconds: { p50: seconds(delays.percentile(50)), p99: seconds(delays.percentile(99)), max: seconds(delays.max) },
      };
    },
    stop: () => {
      observer.disconnect();
      delays.disable();
    },
  };
}
