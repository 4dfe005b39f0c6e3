import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

export const programHost = '127.0.0.1';

/** Below those that systems give away by themselves, so that no connection of anybody takes one between our look and the program's. */
const firstPort = 20_000;
const ports = 12_000;
const mostTries = 64;

/** Of programs of this process: one that is started just now does not listen yet. */
const reserved = new Set<number>();

/** A port that nobody listens on, `wanted` if it is one, kept for its caller until {@link releasePort}. Nobody can keep another process from taking it. */
export async function reservePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await reserve(wanted))) return wanted;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const port = firstPort + randomInt(ports);
    if (await reserve(port)) return port;
  }
  throw new Error(
    `expected a free port from ${String(firstPort)} to ${String(firstPort + ports - 1)}, got none in ${String(mostTries)} tries`,
  );
}

export function releasePort(port: number): void {
  reserved.delete(port);
}

async function reserve(port: number): Promise<boolean> {
  if (reserved.has(port)) return false;
  reserved.add(port);
  const isFree = await isFreePort(port);
  if (!isFree) reserved.delete(port);
  return isFree;
}

/** Whether a program can listen on it now. */
export function isFreePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen({ port, host: programHost, exclusive: true }, () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
