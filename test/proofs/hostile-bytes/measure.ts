// Decodes cases and tells of each what it took; given one, it has done nothing before.
import { readFileSync } from 'node:fs';
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
const codecs = new Map(cases.map(({ codec }) => [codec, codecOf(codec)]));
for (const { codec: kind, file } of cases) {
  const codec = codecs.get(kind);
  const bytes = readFileSync(file);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const most = process.resourceUsage().maxRSS;
  const startedMs = performance.now();
  let code: string | undefined;
  try {
    codec?.decode(bytes);
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
