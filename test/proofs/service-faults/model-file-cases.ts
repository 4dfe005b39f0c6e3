import { copyFile, open, rename, rm, truncate } from 'node:fs/promises';
import { type ModelScene, openModelScene } from './open-model-scene.ts';

/** What happens to the file of a model while two workers answer from it. */
export interface ModelFileCase {
  readonly what: string;
  /** What the clients see: of the answer that was on its way, of the next one, and of one after a worker has died, each with whether the service is ready then. */
  readonly sees: RegExp;
  readonly spoil: (path: string) => Promise<void>;
}

const goesOn = /^whole, ready; whole, ready; whole, ready$/;
const ends = /^model_(crashed|damaged), (not )?ready; model_damaged, not ready; model_damaged, not ready$/;

export const modelFileCases: readonly ModelFileCase[] = [
  {
    what: 'model file replaced by another (mv), then a worker killed',
    sees: goesOn,
    spoil: async (path) => {
      await copyFile(path, `${path}.new`);
      await rename(`${path}.new`, path);
    },
  },
  { what: 'model file removed, then a worker killed', sees: goesOn, spoil: (path) => rm(path) },
  { what: 'model file cut off', sees: ends, spoil: (path) => truncate(path, 50_000_000) },
  {
    what: 'model file written to where it lies',
    sees: ends,
    spoil: async (path) => {
      const file = await open(path, 'r+');
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size / 2, 0x5a), 0, Math.floor(size / 2), Math.floor(size / 2));
      await file.close();
    },
  },
];

/** What the clients saw, as `sees` says it. */
export async function runModelFileCase(one: ModelFileCase, folder: string): Promise<string> {
  const scene = await openModelScene(folder);
  try {
    const running = scene.stream('Tell a long story about a mill.', 100);
    while (running.answer() === '') await new Promise((resolve) => setTimeout(resolve, 10));
    await one.spoil(scene.path);
    const saw = [await seen(scene, running.ended), await seen(scene)];
    const [first] = scene.pool.pids;
    if (first !== undefined) process.kill(first, 'SIGKILL');
    while (first !== undefined && scene.pool.pids.includes(first)) await new Promise((resolve) => setTimeout(resolve, 10));
    return [...saw, await seen(scene)].join('; ');
  } finally {
    await scene.service.close();
  }
}

async function seen({ stream, isReady }: ModelScene, ended = stream('Name a colour.', 4).ended): Promise<string> {
  return `${await ended}, ${(await isReady()) ? 'ready' : 'not ready'}`;
}
