import { mkdtemp } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';

/** A page in a browser cannot send it to another origin without asking, and nobody is told yes. */
export const snapshotHeader = 'x-millrace-heap-snapshot';

const loopback = /^(::1|127(\.\d{1,3}){3}|::ffff:127(\.\d{1,3}){3})$/;
const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Why a request may not have a snapshot written; undefined when it may. It comes from this machine, by a name of this machine (a page
 * that has rebound its own name to it has another), and says on purpose what it wants.
 */
export function refusal({
  socket,
  headers,
}: Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string | undefined } }): string | undefined {
  if (!loopback.test(socket.remoteAddress ?? '')) return 'heap snapshots are written for requests from this machine only';
  if (!loopbackHost.test(headers.host ?? '')) return 'ask for it by localhost or 127.0.0.1';
  if ('x-forwarded-for' in headers || 'forwarded' in headers) return 'heap snapshots are not written through a proxy';
  return headers[snapshotHeader] === undefined ? `a heap snapshot needs the header ${snapshotHeader}` : undefined;
}

/** Writes one and gives its path. The process stands still meanwhile; the file holds payloads and secrets, so only its user may read it. */
export async function takeHeapSnapshot(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-heap-')); // 0700
  return writeHeapSnapshot(join(folder, `${String(process.pid)}.heapsnapshot`));
}
