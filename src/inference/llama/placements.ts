import { accessSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { EngineSettings } from './protocol.ts';

/** Where a process runs. */
export interface Placement {
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The CPUs it is bound to, as `taskset -c` takes them; undefined: all. */
  readonly cpus: string | undefined;
}

/** What processes can be spread over. */
export interface MachineParts {
  /** NVIDIA devices, as CUDA_VISIBLE_DEVICES names them. */
  readonly gpus: readonly string[];
  /** CPUs that share their memory (NUMA nodes); empty where processes cannot be bound. */
  readonly cpuSets: readonly string[];
}

/**
 * Where each of the processes of a model runs: on a GPU of its own in turn, where there are several and they may be used; else on a set
 * of CPUs of its own in turn, where there are several; else anywhere. `auto`: one for each GPU, or for each set of CPUs. A single
 * process is bound to nothing but the `devices` that were given: it may want all of them.
 */
export function placementsFor(
  processes: number | 'auto',
  gpu: EngineSettings['gpu'],
  parts: MachineParts,
  devices?: readonly string[],
): readonly Placement[] {
  const gpus = devices ?? (gpu === 'auto' || gpu === 'cuda' ? parts.gpus : []);
  const cpuSets = gpus.length > 0 || parts.cpuSets.length < 2 ? [] : parts.cpuSets;
  const count = processes === 'auto' ? Math.max(1, gpus.length, cpuSets.length) : processes;
  const all = devices === undefined ? {} : seen(gpu, devices);
  if (count === 1) return [{ env: all, cpus: undefined }];
  return Array.from({ length: count }, (_, index) => {
    const device = gpus.length < 2 ? undefined : gpus[index % gpus.length];
    return { env: device === undefined ? all : seen(gpu, [device]), cpus: cpuSets[index % cpuSets.length] };
  });
}

/** The libraries of the GPUs are told by their environment; no call chooses a device. */
const seen = (gpu: EngineSettings['gpu'], devices: readonly string[]): Placement['env'] => ({
  [gpu === 'vulkan' ? 'GGML_VK_VISIBLE_DEVICES' : 'CUDA_VISIBLE_DEVICES']: devices.join(','),
});

/** What this machine has; on systems other than Linux nothing that could be told apart. */
export function machineParts(): MachineParts {
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const devices = namesIn('/proc/driver/nvidia/gpus').map((_, index) => String(index));
  const gpus = visible === undefined ? devices : visible.split(',').filter((one) => one.trim() !== '');
  return { gpus, cpuSets: hasTaskset() ? numaNodes() : [] };
}

function numaNodes(): readonly string[] {
  const nodes = '/sys/devices/system/node';
  const names = namesIn(nodes).filter((name) => /^node\d+$/.test(name));
  return names.map((name) => read(join(nodes, name, 'cpulist'))).filter((cpus) => cpus !== '');
}

const hasTaskset = (): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'taskset'));
      return true;
    } catch {
      return false;
    }
  });

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
