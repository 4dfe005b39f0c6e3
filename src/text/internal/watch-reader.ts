import { Worker } from 'node:worker_threads';

/** In the process of a reader: ends it above its memory, and with its parent. */
export function watchReader(maxMemoryBytes: number): void {
  const watch = new URL(import.meta.url.endsWith('.ts') ? './reader-watch.ts' : './reader-watch.js', import.meta.url);
  new Worker(watch, { workerData: { maxMemoryBytes, parent: process.ppid } }).unref();
}
