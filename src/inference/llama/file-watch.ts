import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Clock } from '../../clock.ts';
import { InferenceError, messageOf } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import { fileIdentity } from './gguf/file-identity.ts';

export interface FileWatchOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: OpenContext['log'];
  /** What was loaded is not what is computed with any more. */
  readonly spoiled: (why: InferenceError) => void;
}

interface Known {
  readonly inode: number;
  readonly identity: string;
  readonly sample: string;
}

const lookEveryMs = 1_000;
const [samples, sampleBytes] = [64, 4_096];

/**
 * Looks after the file that processes have mapped into their memory: what is written into it, they compute with, and say nonsense without an error. A file that was put in its place, or was
 * removed, does not concern them; only one that is started again would miss it. A split model's first file is watched. Holds a checksum of 256 KiB of the file, spread over all of it:
 * by that a file that was only touched is told from one that was written to.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  #lookedAtMs = -Infinity;
  #known: Known | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Takes the file for what was loaded. One that cannot be read is not watched. */
  async begin(): Promise<void> {
    const { path } = this.#options;
    const facts = await stat(path).catch(() => undefined);
    if (!facts?.isFile()) return;
    this.#known = { inode: facts.ino, identity: fileIdentity(facts), sample: await sampleOf(path, facts.size) };
  }

  /**
   * Something is asked or told: looks at the file, once a second at most; at the end of an answer (`isEnd`) in any case, so that none is told whole whose model was not what it should be. A
   * promise: something was written, and it is found out what.
   */
  look(isEnd = false): Promise<void> | undefined {
    const { clock, log, path } = this.#options;
    const nowMs = clock.nowMs();
    const known = this.#known;
    if (this.#looking !== undefined || known === undefined || (!isEnd && nowMs - this.#lookedAtMs < lookEveryMs)) return this.#looking;
    this.#lookedAtMs = nowMs;
    const facts = statSync(path, { throwIfNoEntry: false }); // some microseconds; to wait for a thread would take longer beside a model that computes
    if (facts !== undefined && fileIdentity(facts) === known.identity) return undefined;
    if (facts?.ino !== known.inode) {
      this.#known = undefined;
      log(
        'warn',
        'the file of the model was replaced or removed: processes go on with what they have loaded, and none can be started again',
        {
          path,
        },
      );
      return undefined;
    }
    this.#looking = this.#compare(known, facts)
      .catch((error: unknown) => log('warn', 'the file of the model cannot be read any more', { why: messageOf(error) }))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #compare(known: Known, facts: Stats): Promise<void> {
    const { path, spoiled } = this.#options;
    if ((await sampleOf(path, facts.size)) === known.sample) {
      this.#known = { ...known, identity: fileIdentity(facts) };
      return;
    }
    this.#known = undefined;
    const help = 'put another file in its place (mv) in place of writing into it, and open the model again';
    spoiled(new InferenceError('model_damaged', `${path} was written to while it was in use: ${help}`));
  }
}

/** Of pieces at even distances, the first and the last among them, and of the length. */
async function sampleOf(path: string, size: number): Promise<string> {
  const hash = createHash('sha256').update(String(size));
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(sampleBytes);
    for (let n = 0; n < samples; n += 1) {
      const at = Math.max(0, Math.floor(((size - sampleBytes) * n) / (samples - 1)));
      const { bytesRead } = await file.read(buffer, 0, sampleBytes, at);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
