import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

// A thread beside the work, which may not come to it itself: ends the process above its memory, and when nobody is left who would wait for it. It imports nothing else, so that it is there at once.
const lookEveryMs = 50;
const { maxMemoryBytes, parent } = workerData as { readonly maxMemoryBytes: number; readonly parent: number };
const never = new Int32Array(new SharedArrayBuffer(4));
while (process.memoryUsage.rss() <= maxMemoryBytes && process.ppid === parent) Atomics.wait(never, 0, 0, lookEveryMs);
if (process.ppid === parent) writeSync(2, 'millrace: above its memory\n');
process.kill(process.pid, 'SIGKILL');
