// Decodes cases and tells of each what it took; given one, it has done nothing before.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { systemClock } from '../../../src/clock.ts';
import { avroFile } from '../../../src/codec/avro/avro-file.ts';
import type { OpenCodec } from '../../../src/codec/codec.ts';
import { isStreamError } from '../../../src/errors.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { HostileCase } from './case.ts';
import { codecOf } from './codec-of.ts';

/** What the worker tells. */
export interface Measured {
  readonly code: string | undefined;
  readonly ms: number;
  /** Above what the process had, its bytes included, at most. */
  readonly bytes: number;
}

const cases = givenToWorker() as readonly { readonly codec: HostileCase['codec']; readonly file: string }[];
type Decode = (bytes: Buffer) => unknown;

/** What is waited for is only what has to be: most codecs have nothing that is. */
async function decodeOf(kind: HostileCase['codec']): Promise<Decode> {
  if (kind === 'avro file') return allOf;
  const codec = codecOf(kind);
  const signal = new AbortController().signal;
  const use = { topic: 'hostile', part: 'value', direction: 'in', signal, clock: systemClock, log: () => undefined } as const;
  const opened: OpenCodec<unknown> = (await codec.open?.(use)) ?? codec;
  return (bytes) => {
    const waits = opened.pending?.(bytes);
    return waits ? waits.then(() => opened.decode(bytes)) : opened.decode(bytes);
  };
}

async function allOf(bytes: Buffer): Promise<void> {
  let values = 0;
  for await (const value of avroFile().read(Readable.from([bytes]))) values += value === undefined ? 0 : 1;
  if (values === 0) throw new Error('expected an error');
}

const decodes = new Map<HostileCase['codec'], Decode>();
for (const { codec } of cases) if (!decodes.has(codec)) decodes.set(codec, await decodeOf(codec));
for (const { codec: kind, file } of cases) {
  const decode = decodes.get(kind);
  const bytes = readFileSync(file);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const most = process.resourceUsage().maxRSS;
  const startedMs = performance.now();
  let code: string | undefined;
  try {
    const decoded = decode?.(bytes);
    if (decoded instanceof Promise) await decoded;
  } catch (error) {
    code = isStreamError(error) ? error.code : String(error);
  }
  const ms = performance.now() - startedMs;
  const mostNow = process.resourceUsage().maxRSS;
  // below the most that there ever was it is not told what there was meanwhile
  const after = mostNow > most ? mostNow * 1024 : process.memoryUsage.rss();
  reportFrom('measured', { code, ms, bytes: after - before } satisfies Measured);
}
process.disconnect();
