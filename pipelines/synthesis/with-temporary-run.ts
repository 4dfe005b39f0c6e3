import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Manifest, RunFolder } from './run-folder.ts';

/** A run in a folder that goes with it: for trying. */
export async function withTemporaryRun<T>(manifest: Manifest, nowMs: number, use: (folder: RunFolder) => Promise<T>): Promise<T> {
  const out = await mkdtemp(join(tmpdir(), 'millrace-synthesis-'));
  try {
    return await use(await RunFolder.begin(out, manifest, nowMs));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
