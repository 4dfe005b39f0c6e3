import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, messageOf, OptionError, PipelineError, writeWhole } from 'millrace';
import { z } from 'zod';
import { type Config, configFrom, readJson } from './config.ts';
import { type Seed, seedFrom } from './seed.ts';

/** What a run is of, as it was begun: whatever goes on with it later does the same. */
export interface Manifest {
  readonly config: Config;
  readonly randomSeed: number;
  /** The portion that was chosen, in its order. */
  readonly seeds: readonly Seed[];
  readonly model: string;
  readonly isOrdered: boolean;
}

const Kept = z.object({
  version: z.literal(1),
  config: z.unknown(),
  random_seed: z.int(),
  model: z.string(),
  is_ordered: z.boolean(),
  seeds: z.array(z.object({ source_id: z.string(), value: z.unknown() })),
});

/** Two runs that begin in one second are a second apart in their names. */
const mostTries = 60;
/** A folder without it is of a run that was killed before it had begun, or that begins just now in another process. */
const manifestFile = 'run.json';
const secondMs = 1_000;

/** The files of one run: pairs, trajectories and statistics where people look for them, and a folder with what it goes on from. */
export class RunFolder {
  /** `MODE_YYYYMMDD_HHMMSS`, in UTC. */
  readonly name: string;
  readonly manifest: Manifest;
  readonly #out: string;

  private constructor(out: string, name: string, manifest: Manifest) {
    this.#out = out;
    this.name = name;
    this.manifest = manifest;
  }

  /** Begins a run in a folder, which is made where it is missing. @throws PipelineError `resource_failed` where it cannot be written. */
  static async begin(out: string, manifest: Manifest, nowMs: number): Promise<RunFolder> {
    try {
      await makeFolder(out);
      for (let tries = 0; ; tries += 1) {
        const name = `${manifest.config.environment_mode}_${stampOf(nowMs + tries * secondMs)}`;
        const folder = new RunFolder(out, name, manifest);
        if (!(await claimed(folder.path, tries))) continue;
        try {
          await writeWhole(folder.#file, [JSON.stringify(keptOf(manifest))]);
        } catch (error) {
          await rm(folder.path, { recursive: true, force: true }); // there is nothing in it to go on from
          throw error;
        }
        return folder;
      }
    } catch (error) {
      throw new PipelineError('resource_failed', `cannot begin a run in ${out}: ${messageOf(error)}; make room, or name another folder`, {
        cause: error,
      });
    }
  }

  /** The run to go on with: the folder's last one, or the last one that is not complete. @throws OptionError where there is none. */
  static async find(out: string, want: 'unfinished' | 'last'): Promise<RunFolder> {
    const [, own] = /^run_(.+)$/.exec(basename(out)) ?? [];
    if (own !== undefined) return RunFolder.#open(dirname(out), own);
    const entries = await readdir(out).catch((error: unknown) => {
      throw new OptionError(`cannot look into ${out}: ${messageOf(error)}`, { cause: error });
    });
    const names = entries.flatMap((entry) => /^run_(\w+_(\d{8}_\d{6}))$/.exec(entry)?.slice(1, 3).reverse().join(' ') ?? []).sort();
    const begun = await keepOnly(
      names.map((one) => one.split(' ')[1] ?? ''),
      (name) => isThere(join(out, `run_${name}`, manifestFile)),
    );
    const found = await Promise.all(begun.map((name) => RunFolder.#open(out, name)));
    const open = want === 'last' ? found : await keepOnly(found, async (one) => !(await one.isComplete()));
    const folder = open.at(-1) ?? found.at(-1);
    if (folder === undefined) throw new OptionError(`there is no run in ${out}: begin one with --config and --seeds`);
    return folder;
  }

  static async #open(out: string, name: string): Promise<RunFolder> {
    const path = join(out, `run_${name}`, manifestFile);
    const kept = Kept.safeParse(await readJson(path, 'run'));
    if (!kept.success)
      throw new OptionError(`${path} is no run of synthesis: ${kept.error.issues.map(({ message }) => message).join('; ')}`);
    const { config, random_seed: randomSeed, model, is_ordered: isOrdered, seeds } = kept.data;
    const values = seeds.map(({ source_id: sourceId, value }, at) => ({ ...seedFrom(`${path}.seeds[${String(at)}]`, value), sourceId }));
    return new RunFolder(out, name, { config: configFrom(path, config).config, randomSeed, model, isOrdered, seeds: values });
  }

  get path(): string {
    return join(this.#out, `run_${this.name}`);
  }

  get #file(): string {
    return join(this.path, manifestFile);
  }

  get journal(): string {
    return join(this.path, 'journal');
  }

  get pairs(): string {
    return join(this.#out, `synthesized_qa_${this.name}.jsonl`);
  }

  get trajectories(): string {
    return join(this.#out, `trajectories_${this.name}.json`);
  }

  get statistics(): string {
    return join(this.#out, `statistics_${this.name}.json`);
  }

  /** Takes away what a kill has left of files that were being written. For who has the run to itself. */
  async sweep(): Promise<void> {
    for (const folder of [this.#out, this.path])
      for (const file of await readdir(folder))
        if (file.endsWith('.part') && (folder === this.path || file.includes(`_${this.name}.`)))
          await rm(join(folder, file), { force: true });
  }

  /** Whether every seed has an outcome, and all files say so. */
  async isComplete(): Promise<boolean> {
    try {
      const statistics: unknown = JSON.parse(await readFile(this.statistics, 'utf8'));
      return typeof statistics === 'object' && statistics !== null && Reflect.get(statistics, 'is_complete') === true;
    } catch {
      return false;
    }
  }
}

const keptOf = ({ config, randomSeed, model, isOrdered, seeds }: Manifest): z.infer<typeof Kept> => ({
  version: 1,
  config,
  random_seed: randomSeed,
  model,
  is_ordered: isOrdered,
  seeds: seeds.map(({ sourceId, value }) => ({ source_id: sourceId, value })),
});

/** `YYYYMMDD_HHMMSS` in UTC. */
function stampOf(ms: number): string {
  const [, date = '', time = ''] = /^([\d-]+)T([\d:]+)/.exec(new Date(ms).toISOString()) ?? [];
  return `${date.replaceAll('-', '')}_${time.replaceAll(':', '')}`;
}

/** Making a folder is what only one of several can do. */
async function claimed(path: string, tries: number): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (tries < mostTries && error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
  );

async function keepOnly<T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<readonly T[]> {
  const kept: T[] = [];
  for (const one of all) if (await holds(one)) kept.push(one);
  return kept;
}

/** What keeps a file from being written, and what helps. */
export const cannotWrite = (path: string, error: unknown): PipelineError =>
  new PipelineError(
    'resource_failed',
    `cannot write ${path}: ${messageOf(error)}; make room, or mend it, and go on with --resume: what is finished is in the journal`,
    { cause: error },
  );
