import { setTimeout } from 'node:timers/promises';

/** Waits for so long, and says where. */
export async function run(ms: number): Promise<number> {
  if (ms > 0) await setTimeout(ms);
  return process.pid;
}
