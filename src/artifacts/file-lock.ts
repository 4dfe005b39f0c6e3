import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type Clock, sleep } from '../clock.ts';

const heartbeatMs = 2_000;
/** Without a heartbeat for so long the holder is dead, or its machine is: fifteen missed in a row. */
const staleMs = 30_000;
const pollMs = 200;

interface Holder {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
}

/**
 * Runs `body` while holding `path` as a lock among processes, those of other machines on a shared disk included. A lock
 * whose holder has died is taken over: at once on the same machine, after 30 s elsewhere.
 *
 * Two waiters can take a dead holder's lock over in the same instant and both run. That is rare and is left: who locks
 * here checks the bytes before it publishes them, so the cost is a download twice, never a wrong file.
 */
export async function withFileLock<T>(path: string, options: LockOptions, body: () => Promise<T>): Promise<T> {
  const { clock, signal, onWait } = options;
  const token = randomUUID();
  let waited = false;
  while (!(await tryLock(path, token))) {
    if (await isStale(path, clock)) {
      await takeAway(path);
      continue;
    }
    if (!waited) onWait?.();
    waited = true;
    await sleep(clock, pollMs, signal);
  }
  const stopBeating = beat(path, clock);
  try {
    return await body();
  } finally {
    stopBeating();
    const holder = await readHolder(path);
    if (holder?.token === token) await rm(path, { force: true });
  }
}

export interface LockOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called once when somebody else holds the lock. */
  readonly onWait?: () => void;
}

async function tryLock(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ token, pid: process.pid, host: hostname() } satisfies Holder), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof holder === 'object' && holder !== null && 'token' in holder && 'pid' in holder && 'host' in holder
      ? (holder as Holder)
      : undefined;
  } catch {
    return undefined; // gone, or being written
  }
}

async function isStale(path: string, clock: Clock): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts) return false; // released meanwhile
  const holder = await readHolder(path);
  if (holder?.host === hostname() && !isAlive(holder.pid)) return true;
  return clock.nowMs() - facts.mtimeMs > staleMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // somebody else's process
  }
}

/** Renames before removing, so that of two who saw the same dead lock only one removes it. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { force: true });
}

function beat(path: string, clock: Clock): () => void {
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.schedule(heartbeatMs, () => {
      const now = clock.nowMs() / 1_000;
      void utimes(path, now, now).catch(() => undefined);
      arm();
    });
  };
  arm();
  return () => {
    cancel();
  };
}
