import type { GpuState } from './gpus.ts';
import type { MachineState } from './machine.ts';

/** What is seen of the process and its machine. */
export interface SeenMachine {
  readonly machine: MachineState;
  readonly gpus: readonly GpuState[];
}

type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [value: number, labels?: Labels];

/** A metric, and how it is read of what is seen. */
export interface MetricSpec<S> {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
  readonly samples: (seen: S) => readonly Sample[];
}

const ofMachine = (
  type: MetricSpec<SeenMachine>['type'],
  help: string,
  value: (machine: MachineState) => number,
): MetricSpec<SeenMachine> => ({
  type,
  help,
  samples: ({ machine }) => [[value(machine)]],
});

const ofGpus = (help: string, value: (gpu: GpuState) => number | undefined): MetricSpec<SeenMachine> => ({
  type: 'gauge',
  help,
  labels: ['gpu'],
  samples: ({ gpus }) =>
    gpus.flatMap((gpu): Sample[] => {
      const found = value(gpu);
      return found === undefined ? [] : [[found, { gpu: gpu.index }]];
    }),
});

const collections = (value: (one: { readonly count: number; readonly seconds: number }) => number) => ({
  labels: ['kind'],
  samples: ({ machine }: SeenMachine) => Object.entries(machine.collections).map(([kind, one]): Sample => [value(one), { kind }]),
});

/** What is told of the process and its machine, whatever runs in it. */
export const machineMetricSpecs: Readonly<Record<string, MetricSpec<SeenMachine>>> = {
  millrace_cpu_seconds_total: ofMachine('counter', 'CPU time of the process, user and system', ({ cpuSeconds }) => cpuSeconds),
  millrace_resident_memory_bytes: ofMachine('gauge', 'memory of the process (RSS)', ({ rssBytes }) => rssBytes),
  millrace_heap_used_bytes: ofMachine('gauge', "JavaScript's heap in use", ({ heapUsedBytes }) => heapUsedBytes),
  millrace_heap_limit_bytes: ofMachine('gauge', "V8's limit on the heap", ({ heapLimitBytes }) => heapLimitBytes),
  millrace_gc_collections_total: { type: 'counter', help: 'garbage collections, by kind', ...collections(({ count }) => count) },
  millrace_gc_pause_seconds_total: { type: 'counter', help: 'time in collections, by kind', ...collections(({ seconds }) => seconds) },
  millrace_event_loop_active_seconds_total: ofMachine(
    'counter',
    'time in which the event loop had work',
    ({ loopActiveSeconds }) => loopActiveSeconds,
  ),
  millrace_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'how late the event loop comes to timers, 10 ms of resolution included; since the server was started',
    labels: ['quantile'],
    samples: ({ machine: { loopDelaySeconds } }) => [
      [loopDelaySeconds.p50, { quantile: '0.5' }],
      [loopDelaySeconds.p99, { quantile: '0.99' }],
      [loopDelaySeconds.max, { quantile: '1' }],
    ],
  },
  millrace_gpu_use_ratio: ofGpus('share of the time in which the GPU worked', ({ use }) => use),
  millrace_gpu_memory_used_bytes: ofGpus("the GPU's memory in use, by all processes", ({ memoryUsedBytes }) => memoryUsedBytes),
  millrace_gpu_memory_bytes: ofGpus("the GPU's memory", ({ memoryTotalBytes }) => memoryTotalBytes),
};
