import { Worker } from 'node:worker_threads';

/** What runs in the process of a seed. The watch first: what comes after it takes its time to load, and may never end. */
const [memory = '', parent = ''] = process.argv.slice(2);
const watched = { maxMemoryBytes: Number(memory), parent: Number(parent) };
new Worker(new URL('./seed-watch.ts', import.meta.url), { workerData: watched }).unref();
await import('./seed-work.ts');
