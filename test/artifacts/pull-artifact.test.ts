import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Artifact } from '../../src/artifacts/artifact.ts';
import { cachedFile } from '../../src/artifacts/cached-file.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { requireArtifact } from '../../src/artifacts/require-artifact.ts';
import { isAbortError } from '../../src/errors.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { type Behaviour, fileServer } from './file-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest('hex');

const artifactAt = (...urls: readonly string[]): Artifact => ({
  name: 'thing',
  file: 'models/thing.bin',
  bytes: content.length,
  sha256,
  sources: urls.map((url, index) => ({ kind: 'http', label: `source ${String(index + 1)}`, url })),
});

const make = async (behaviour?: Behaviour, served: Buffer = content) => {
  const server = await fileServer(served, behaviour);
  const folder = await temporaryFolder();
  const artifact = artifactAt(server.url);
  const path = join(folder, artifact.file);
  await mkdir(dirname(path), { recursive: true });
  return { server, folder, artifact, path, files: () => readdir(dirname(path)) };
};

const withoutPin = ({ name, file, sources }: Artifact): Artifact => ({ name, file, sources });

describe('pullArtifact', () => {
  it('downloads once, says how far it is, and leaves the file and its stamp alone', async () => {
    const { server, folder, artifact, path, files } = await make();
    const phases: string[] = [];
    let bytes = 0;
    const onProgress = (progress: { phase: string; bytes: number }): void => {
      if (phases.at(-1) !== progress.phase) phases.push(progress.phase);
      if (progress.phase === 'downloading') expect(progress.bytes).toBeGreaterThanOrEqual(bytes);
      bytes = progress.bytes;
    };
    expect(await pullArtifact(artifact, { folder, onProgress })).toBe(path);
    expect(await pullArtifact(artifact, { folder })).toBe(path);
    expect(phases).toEqual(['downloading', 'checking', 'ready']);
    expect(content.equals(await readFile(path))).toBe(true);
    expect((await files()).sort()).toEqual(['thing.bin', 'thing.bin.checked.json']);
    expect(server.requests).toHaveLength(1);
  });

  it('goes on where a download broke off', async () => {
    const { server, folder, artifact, path, files } = await make({ breaksAfter: 100_000 });
    const onProgress = ({ bytes }: { bytes: number }): void => {
      if (bytes === 100_000) server.breakOff();
    };
    const failure = await failureOf(pullArtifact(artifact, { folder, onProgress }));
    expect(failure.code).toBe('model_not_found');
    expect(await files()).toEqual(['thing.bin.partial']);
    await pullArtifact(artifact, { folder });
    expect(server.requests[1]?.range).toBe('bytes=100000-');
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('starts again at a server that cannot go on', async () => {
    const { folder, artifact, path } = await make({ ignoresRanges: true });
    await writeFile(`${path}.partial`, content.subarray(0, 5_000));
    await pullArtifact(artifact, { folder });
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('starts again when the beginning was of another file', async () => {
    const { server, folder, artifact, path } = await make();
    await writeFile(`${path}.partial`, randomBytes(5_000));
    await pullArtifact(artifact, { folder });
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=5000-', undefined]);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('publishes a partial file that was whole without asking for more', async () => {
    const { server, folder, artifact, path } = await make();
    await writeFile(`${path}.partial`, content);
    await pullArtifact(artifact, { folder });
    expect(server.requests).toHaveLength(0);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('takes no other bytes than those pinned, and goes on to the next source', async () => {
    const wrong = await fileServer(randomBytes(content.length));
    const { server, folder, path } = await make();
    await pullArtifact(artifactAt(wrong.url, server.url), { folder });
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('says what was tried, why it failed and what to do, and publishes nothing', async () => {
    const wrong = await fileServer(randomBytes(content.length));
    const long = await fileServer(Buffer.concat([content, content]));
    const { server, folder, files } = await make({ status: 503 });
    const failure = await failureOf(pullArtifact(artifactAt(wrong.url, server.url, long.url), { folder }));
    expect(failure.code).toBe('model_not_found');
    expect(failure.message).toMatch(/source 1: its SHA-256 is [0-9a-f]{64}, expected/);
    expect(failure.message).toContain('source 2: it answered 503');
    expect(failure.message).toContain('source 3: it sent more than the 300000 bytes expected');
    expect(failure.message).toContain('millrace pull thing');
    expect(await files()).not.toContain('thing.bin');
  });

  it('gives up on a server that has not answered within 5 s', async () => {
    const { server, folder, artifact } = await make({ hangs: true });
    const clock = virtualClock();
    const failure = failureOf(pullArtifact(artifact, { folder, clock }));
    while (server.requests.length === 0) await clock.advance(0);
    await clock.advance(5_000);
    expect((await failure).message).toContain('no answer within 5 s');
  });

  it('ends with the signal, and keeps what has come', async () => {
    const { folder, artifact, files } = await make();
    const controller = new AbortController();
    const pull = pullArtifact(artifact, {
      folder,
      signal: controller.signal,
      onProgress: ({ bytes }) => {
        if (bytes > 0) controller.abort();
      },
    });
    expect(isAbortError(await pull.catch((error: unknown) => error))).toBe(true);
    expect(await files()).toEqual(['thing.bin.partial']);
  });

  it('downloads once for many who ask at once', async () => {
    const { server, folder, artifact, files } = await make();
    const clock = virtualClock();
    const pulls = Promise.all(Array.from({ length: 5 }, () => pullArtifact(artifact, { folder, clock })));
    const state = { open: true };
    void pulls.finally(() => (state.open = false));
    while (state.open) {
      await clock.advance(200);
      for (let tick = 0; tick < 5; tick += 1) await files(); // the disk's time is real: let it keep up
    }
    expect(new Set(await pulls).size).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  it('takes over the lock of a process that has died', async () => {
    const { folder, artifact, path } = await make();
    await writeFile(`${path}.lock`, JSON.stringify({ token: 'x', pid: 2 ** 22 + 1, host: hostname() }));
    expect(await pullArtifact(artifact, { folder })).toBe(path);
  });

  it('takes over a lock without a heartbeat from another machine', async () => {
    const { folder, artifact, path } = await make();
    await writeFile(`${path}.lock`, JSON.stringify({ token: 'x', pid: 1, host: 'elsewhere' }));
    await utimes(`${path}.lock`, 1_000, 1_000);
    expect(await pullArtifact(artifact, { folder })).toBe(path);
  });

  it('fetches a damaged file anew, and finds with `verify` what size and time hide', async () => {
    const { server, folder, artifact, path } = await make();
    await pullArtifact(artifact, { folder });
    const { mtimeMs } = await stat(path);
    const spoilt = Buffer.from(content);
    spoilt[150_000] = (spoilt[150_000] ?? 0) ^ 1;
    await writeFile(path, spoilt);
    await utimes(path, mtimeMs / 1_000, mtimeMs / 1_000);
    await pullArtifact(artifact, { folder, verify: true });
    expect(content.equals(await readFile(path))).toBe(true);
    await truncate(path, 10);
    await pullArtifact(artifact, { folder });
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toHaveLength(3);
  });

  it('pins a file that nobody has pinned by what its server says', async () => {
    const { server, folder, artifact } = await make({ headers: { 'x-linked-etag': `"${'0'.repeat(64)}"` } });
    const unpinned = withoutPin(artifact);
    expect((await failureOf(pullArtifact(unpinned, { folder }))).message).toContain(`expected ${'0'.repeat(64)}`);
    expect(server.requests[0]?.method).toBe('HEAD');
  });
});

describe('cachedFile', () => {
  it('pins a file that nobody has pinned by its first checksum', async () => {
    const { folder, artifact, path } = await make();
    const unpinned = withoutPin(artifact);
    await pullArtifact(unpinned, { folder });
    expect((await cachedFile(unpinned, folder)).state).toBe('present');
    await writeFile(path, randomBytes(content.length));
    expect((await cachedFile(unpinned, folder)).state).toBe('damaged');
  });

  it.each([
    { what: 'missing', spoil: () => Promise.resolve(), code: 'model_not_found', says: /is not at .*millrace pull thing/ },
    { what: 'empty', spoil: (path: string) => writeFile(path, ''), code: 'model_damaged', says: /cut off after 0 of 300000 bytes/ },
    {
      what: 'cut',
      spoil: (path: string) => writeFile(path, content.subarray(9)),
      code: 'model_damaged',
      says: /cut off after 299991 of 300000/,
    },
    {
      what: 'too long',
      spoil: (path: string) => writeFile(path, randomBytes(300_001)),
      code: 'model_damaged',
      says: /damaged, it has 300001 bytes/,
    },
    {
      what: 'altered',
      spoil: (path: string) => writeFile(path, randomBytes(300_000)),
      code: 'model_damaged',
      says: /damaged, its SHA-256 is/,
    },
  ])('requireArtifact tells a file that is $what', async ({ spoil, code, says }) => {
    const { folder, artifact, path } = await make();
    await spoil(path);
    const failure = await failureOf(requireArtifact(artifact, folder));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(says);
  });

  it('reads a checked file no more until it changes', async () => {
    const { folder, artifact, path } = await make();
    await writeFile(path, content);
    expect((await cachedFile(artifact, folder)).state).toBe('present');
    await utimes(path, 1_000, 1_000); // noticed: read again, and stamped with this time
    expect((await cachedFile(artifact, folder)).state).toBe('present');
    await writeFile(path, randomBytes(content.length));
    await utimes(path, 1_000, 1_000);
    expect((await cachedFile(artifact, folder)).state).toBe('present'); // same size and time: trusted
    expect((await cachedFile(artifact, folder, { full: true })).state).toBe('damaged');
  });
});
