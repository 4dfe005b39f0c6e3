import type { GpuState } from '../serve/gpus.ts';

/** What GPUs of this machine did meanwhile; memory in bytes. */
export interface GpuUse {
  readonly index: string;
  readonly looks: number;
  readonly useMean: number | undefined;
  readonly useMax: number | undefined;
  readonly memoryMaxBytes: number | undefined;
  readonly memoryTotalBytes: number | undefined;
}

/** What the looks at the GPUs sum to. */
export class GpuTally {
  readonly #gpus = new Map<
    string,
    { looks: number; uses: number; sum: number; useMax: number; memoryMax: number | undefined; total: number | undefined }
  >();

  add(states: readonly GpuState[]): void {
    for (const { index, use, memoryUsedBytes, memoryTotalBytes } of states.slice(0, 64)) {
      const one = this.#gpus.get(index) ?? { looks: 0, uses: 0, sum: 0, useMax: 0, memoryMax: undefined, total: undefined };
      this.#gpus.set(index, one);
      one.looks += 1;
      if (use !== undefined) {
        one.uses += 1;
        one.sum += use;
        one.useMax = Math.max(one.useMax, use);
      }
      if (memoryUsedBytes !== undefined) one.memoryMax = Math.max(one.memoryMax ?? 0, memoryUsedBytes);
      one.total = memoryTotalBytes ?? one.total;
    }
  }

  use(): readonly GpuUse[] {
    return [...this.#gpus].map(([index, { looks, uses, sum, useMax, memoryMax, total }]) => ({
      ...{ index, looks, useMean: uses > 0 ? sum / uses : undefined, useMax: uses > 0 ? useMax : undefined },
      ...{ memoryMaxBytes: memoryMax, memoryTotalBytes: total },
    }));
  }
}
