import { execFile } from 'node:child_process';
import type { Clock } from '../clock.ts';

/** One GPU of this machine. */
export interface GpuState {
  readonly index: string;
  /** 0 to 1; undefined where the driver does not tell. */
  readonly use: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly memoryTotalBytes: number | undefined;
}

const asked = ['--query-gpu=index,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];
const freshMs = 5_000; // one look costs the driver up to 0.1 s
const patienceMs = 2_000;

/** Runs a program and gives what it wrote; rejects when it is not there, fails or takes too long. */
export type RunProgram = (file: string, args: readonly string[]) => Promise<string>;

const runProgram: RunProgram = (file, args) =>
  new Promise((resolve, reject) => {
    execFile(file, args, { timeout: patienceMs, windowsHide: true }, (error, stdout) => {
      if (error) reject(Object.assign(new Error(error.message), { code: error.code }));
      else resolve(stdout);
    });
  });

/** NVIDIA's GPUs by what `nvidia-smi` tells; none where there is no such program. Asks it every 5 s at most, and never again once it is missing. */
export function watchGpus(clock: Clock, run: RunProgram = runProgram): () => Promise<readonly GpuState[]> {
  let known: Promise<readonly GpuState[]> | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.nowMs();
    if (known !== undefined && nowMs - askedMs < freshMs) return known;
    askedMs = nowMs;
    known = run('nvidia-smi', asked).then(gpusIn, (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') askedMs = Number.POSITIVE_INFINITY;
      return [];
    });
    return known;
  };
}

/** Reads what `nvidia-smi` wrote; memory comes in MiB, what it cannot tell as `[N/A]`. */
export const gpusIn = (text: string): readonly GpuState[] =>
  text.split('\n').flatMap((line) => {
    const [index = '', use, used, total] = line.split(',').map((cell) => cell.trim());
    if (!/^\d+$/.test(index)) return [];
    const times = (cell: string | undefined, unit: number): number | undefined =>
      cell !== undefined && /^\d+(\.\d+)?$/.test(cell) ? Number(cell) * unit : undefined;
    return [{ index, use: times(use, 0.01), memoryUsedBytes: times(used, 2 ** 20), memoryTotalBytes: times(total, 2 ** 20) }];
  });
