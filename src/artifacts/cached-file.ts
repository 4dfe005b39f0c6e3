import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from './artifact.ts';

/** What lies in the cache, told apart before anybody opens it. */
export type CachedFile =
  | { readonly state: 'missing'; readonly path: string }
  | { readonly state: 'present'; readonly path: string; readonly bytes: number; readonly sha256: string }
  | { readonly state: 'truncated'; readonly path: string; readonly bytes: number; readonly expectedBytes: number }
  | { readonly state: 'damaged'; readonly path: string; readonly why: string };

/** What was once checked, so that a later start need not read the whole file. */
interface Stamp {
  readonly sha256: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}

const stampPath = (path: string): string => `${path}.checked.json`;

/** The SHA-256 of a file, in hex. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Replaces `path` in one step, durably: a crash leaves the old file or the new one, never half of one. */
export async function publish(partial: string, path: string): Promise<void> {
  const file = await open(partial, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

/** Remembers that `path` was read in full and had this checksum. */
export async function writeStamp(path: string, sha256: string): Promise<void> {
  const { size, mtimeMs } = await stat(path);
  const partial = `${stampPath(path)}.${String(process.pid)}`;
  await writeFile(partial, JSON.stringify({ sha256, bytes: size, mtimeMs } satisfies Stamp));
  await rename(partial, stampPath(path));
}

async function readStamp(path: string): Promise<Stamp | undefined> {
  try {
    const stamp: unknown = JSON.parse(await readFile(stampPath(path), 'utf8'));
    if (typeof stamp !== 'object' || stamp === null) return undefined;
    const { sha256, bytes, mtimeMs } = stamp as Partial<Record<keyof Stamp, unknown>>;
    return typeof sha256 === 'string' && typeof bytes === 'number' && typeof mtimeMs === 'number' ? { sha256, bytes, mtimeMs } : undefined;
  } catch {
    return undefined; // no stamp, or half a one: the file is read in full
  }
}

/**
 * Looks at an artifact's file in the cache. Cheap when it was checked before and has kept its size and time of change,
 * else its checksum is taken; `full` always takes it, which also finds what a disk has changed behind our back.
 */
export async function cachedFile(artifact: Artifact, folder: string, options: { readonly full?: boolean } = {}): Promise<CachedFile> {
  const path = join(folder, artifact.file);
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile()) return { state: 'missing', path };
  const stamp = await readStamp(path);
  const bytes = facts.size;
  const expectedBytes = artifact.bytes ?? stamp?.bytes;
  const sha256 = artifact.sha256 ?? stamp?.sha256;
  if (bytes === 0 || (expectedBytes !== undefined && bytes < expectedBytes)) {
    return { state: 'truncated', path, bytes, expectedBytes: expectedBytes ?? 1 };
  }
  if (expectedBytes !== undefined && bytes > expectedBytes) {
    return { state: 'damaged', path, why: `it has ${String(bytes)} bytes, expected ${String(expectedBytes)}` };
  }
  const unchanged = stamp?.bytes === bytes && stamp.mtimeMs === facts.mtimeMs && stamp.sha256 === sha256;
  if (unchanged && options.full !== true) return { state: 'present', path, bytes, sha256: stamp.sha256 };
  const found = await sha256Of(path);
  if (sha256 !== undefined && found !== sha256) return { state: 'damaged', path, why: `its SHA-256 is ${found}, expected ${sha256}` };
  await writeStamp(path, found);
  return { state: 'present', path, bytes, sha256: found };
}
