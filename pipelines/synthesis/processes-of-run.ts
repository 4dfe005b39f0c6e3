import type { RunParts } from './run-parts.ts';
import type { SynthesisRunOptions } from './run-options.ts';
import { SeedProcesses } from './seed-processes.ts';
import { startSeedProcess } from './start-seed-process.ts';

/** Processes for the seeds of a run, as its options say; `begun` tells of how many seeds somebody has begun with. */
export function processesOfRun(
  { folder, env = { PATH: process.env['PATH'] ?? '' }, onStart }: SynthesisRunOptions,
  { todo, workers }: RunParts,
  begun: ReadonlySet<number>,
): SeedProcesses {
  const { worker_memory_mb: memoryMb } = folder.manifest.config;
  return new SeedProcesses({
    start: () => startSeedProcess({ env, memoryMb, onStart }),
    most: workers.ahead,
    left: () => todo.length - begun.size,
  });
}
