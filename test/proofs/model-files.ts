import { copyFile, type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { smollm2 } from '../../src/artifacts/catalogue.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { isStreamError, messageOf } from '../../src/errors.ts';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';
import { checkModelFile } from '../../src/inference/llama/gguf/check-model-file.ts';
import { openEmbedded } from '../helpers/embedded-model.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { resultOf } from '../helpers/result-of.ts';

export const name = 'model-files';
export const summary =
  'the embedded model with 200 mutated headers: refused before native code sees them, or contained in its process; about 5 minutes, --short 10 s for 50';

const mutants = { whole: 200, short: 50 };
/** Of them are refused by the header, at least. */
const refusedShare = 0.4;
/** Of those whose mutation is no fault of form, so many are loaded in the short form. */
const loadedShort = 2;
const rules = { modelRoot: undefined, maxModelBytes: 2 ** 40, sha256: undefined };
const ends = ['refused by the header', 'opened', 'failed with a code', 'crashed its process'] as const;

export async function run({ short, folder, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const path = join(folder, 'mutant.gguf');
  const original = await pullArtifact(smollm2);
  await copyFile(original, path);
  const { size } = await stat(original);
  const { header } = await checkModelFile(path, rules);
  const seen = new Map<string, number>(ends.map((one) => [one, 0]));
  const without: string[] = [];
  const file = await open(path, 'r+');
  const tooMany = await countsRefused(path, file);
  const count = short ? mutants.short : mutants.whole;
  let loaded = 0;
  try {
    for (let seed = 0; seed < count && !signal.aborted; seed += 1) {
      const undo = await mutate(file, seed, header.dataOffset, size);
      const refusal = await codeOf(checkModelFile(path, rules));
      const isLoaded = refusal === undefined && (!short || loaded < loadedShort);
      if (isLoaded) loaded += 1;
      const end = refusal === undefined ? (isLoaded ? await load(path) : undefined) : 'refused by the header';
      if (refusal !== undefined && refusal !== 'model_damaged') without.push(`${String(seed)}: ${refusal}`);
      if (end?.startsWith('?') === true) without.push(`${String(seed)}: ${end}`);
      else if (end !== undefined) seen.set(end, (seen.get(end) ?? 0) + 1);
      await undo();
      if (seed % 50 === 49) say(`${String(seed + 1)} mutants, ${String(loaded)} loaded`);
    }
  } finally {
    await file.close();
  }
  const works = (await load(path)) === 'opened';
  return judge({ count, seen, without, loaded, works, tooMany });
}

/** Of the tensors, and of the metadata. */
const countsAt = [8, 16];

/**
 * How many of the header's counts are refused for being too high, and not only since the file ends before it has so many: a file with
 * room for them would be read to its end.
 */
async function countsRefused(path: string, file: FileHandle): Promise<number> {
  let refused = 0;
  for (const at of countsAt) {
    const before = Buffer.alloc(8);
    await file.read(before, 0, 8, at);
    const tooHigh = Buffer.alloc(8);
    tooHigh.writeBigUInt64LE(2n ** 40n);
    await file.write(tooHigh, 0, 8, at);
    const why = await checkModelFile(path, rules).then(() => '', messageOf);
    if (why.includes('expected at most')) refused += 1;
    await file.write(before, 0, 8, at);
  }
  return refused;
}

/** Changes one to four bytes of the header, most often where it counts. The result undoes it. */
async function mutate(file: FileHandle, seed: number, headerBytes: number, size: number): Promise<() => Promise<void>> {
  const random = seededRandom(seed, name);
  // counts, metadata before the words, the list of tensors, anywhere
  const [from, to] = (
    [
      [0, 24],
      [24, 1_600],
      [headerBytes - 18_000, headerBytes],
      [0, headerBytes],
    ] as const
  )[seed % 4] ?? [0, 24];
  const at = Math.floor(from + random() * (to - from));
  const before = Buffer.alloc(1 + Math.floor(random() * 4));
  await file.read(before, 0, before.length, at);
  await file.write(Buffer.from(before.map((byte) => byte ^ (1 + Math.floor(random() * 255)))), 0, before.length, at);
  return async () => {
    await file.write(before, 0, before.length, at);
    if ((await file.stat()).size !== size) throw new Error('expected the file to keep its size');
  };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return isStreamError(error) ? error.code : `no error of ours: ${String(error)}`;
  }
}

/** What becomes of a file that looks well. */
async function load(path: string): Promise<string> {
  try {
    const { model, close } = await openEmbedded({ model: path, sequences: 1 });
    try {
      await resultOf(model.chat('Hello', { maxTokens: 2 }));
    } finally {
      await close();
    }
    return 'opened';
  } catch (error) {
    if (!isStreamError(error)) return `? ${String(error)}`;
    return error.code === 'model_crashed' ? 'crashed its process' : 'failed with a code';
  }
}

interface Told {
  readonly count: number;
  readonly seen: ReadonlyMap<string, number>;
  readonly without: readonly string[];
  readonly loaded: number;
  readonly works: boolean;
  readonly tooMany: number;
}

function judge({ count, seen, without, loaded, works, tooMany }: Told): ExperimentResult {
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const refused = seen.get('refused by the header') ?? 0;
  const measured = [
    finding('mutated headers', String(count), '', true),
    finding('refused before native code saw them', String(refused), `>= ${String(count * refusedShare)}`, refused >= count * refusedShare),
    finding('counts above their cap, refused as such', String(tooMany), String(countsAt.length), tooMany === countsAt.length),
    finding('loaded all the same', String(loaded), '>= 1', loaded >= 1),
    ...ends.slice(1).map((end) => finding(`of those: ${end}`, String(seen.get(end) ?? 0), '', true)),
    finding('ends without a code of ours', without.join('; ') || '0', '0', without.length === 0),
    finding('the application is alive, and the true file opens', works ? 'yes' : 'no', 'yes', works),
  ];
  return { measured, pass: true };
}
