import { readFile } from 'node:fs/promises';

/** Memory of this process in bytes. On Linux what is shared, as mapped weights are, counts by the share; else the resident size. */
export async function processMemory(): Promise<number> {
  const told = await readFile('/proc/self/smaps_rollup', 'utf8').catch(() => '');
  const kib = /^Pss:\s+(\d+) kB$/m.exec(told)?.[1];
  return kib === undefined ? process.memoryUsage.rss() : Number(kib) * 1_024;
}
