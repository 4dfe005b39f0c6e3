import { fileURLToPath } from 'node:url';

/** Modes that have a configuration of ours. */
export const shippedModes = ['web', 'math', 'python'] as const;

/** The file of a mode's configuration. */
export const shippedConfig = (mode: (typeof shippedModes)[number]): string =>
  fileURLToPath(new URL(`./configs/${mode}.json`, import.meta.url));

/** The library that is searched and read where none is named. */
export const shippedCorpus = fileURLToPath(new URL('./corpus', import.meta.url));

/** Seeds for trying. */
export const exampleSeeds = fileURLToPath(new URL('./configs/example_seed_entities.json', import.meta.url));
