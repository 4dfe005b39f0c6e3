import { availableParallelism } from 'node:os';
import type { RunParts } from './run-parts.ts';
import type { SynthesisRunOptions } from './run-options.ts';
import { SeedProcesses } from './seed-processes.ts';
import { startSeedProcess } from './start-seed-process.ts';

/** Processes for the seeds of a run, as its options say; `begun` tells of how many seeds somebody has begun with. */
export function processesOfRun(
  { folder, env = { PATH: process.env['PATH'] ?? '' }, onStart, seedWork }: SynthesisRunOptions,
  { todo, workers }: Pick<RunParts, 'todo' | 'workers'>,
  begun: ReadonlySet<number>,
): SeedProcesses {
  const { worker_memory_mb: memoryMb } = folder.manifest.config;
  return new SeedProcesses({
    start: (onUp) => startSeedProcess({ env, memoryMb, onStart, onUp }),
    mostStarting: availableParallelism(),
    most: seedWork ? 0 : workers.ahead, // work that is given needs no process
    left: () => todo.length - begun.size,
  });
}
