/** Opens the folder in argv as a journal, or reads it as plain lines into a map; says how long it took and what it holds. */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { journal, systemClock } from '../../../src/index.ts';

const [, , way = '', dir = ''] = process.argv;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const held = async (): Promise<number> => {
  for (let times = 0; times < 3; times += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve)); // what buffers held is freed a moment later
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

async function plain(): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  for (const name of (await readdir(dir)).filter((one) => one.endsWith('.jsonl')))
    for await (const line of createInterface({ input: createReadStream(join(dir, name)) })) {
      const { k, v } = JSON.parse(line) as { readonly k?: string; readonly v?: string };
      if (k !== undefined) values.set(k, v ?? '');
    }
  return values;
}

async function opened(): Promise<{ readonly size: number }> {
  const context = { clock: systemClock, signal: new AbortController().signal, log: () => undefined };
  return (await journal({ dir }).open(context)).value;
}

const before = await held();
const startedMs = performance.now();
const index = await (way === 'plain' ? plain() : opened());
const ms = performance.now() - startedMs;
process.stdout.write(JSON.stringify({ ms, bytes: (await held()) - before, keys: index.size }), () => process.exit(0)); // a journal that is open keeps its lock
