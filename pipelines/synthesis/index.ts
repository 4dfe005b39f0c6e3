// Question-and-answer data with tools, from code: `import { runSynthesis } from 'millrace/synthesis'`.
export { configFrom, type Config, type ReadConfig, SynthesisConfig } from './config.ts';
export type { PairLine } from './pair-line.ts';
export { type Manifest, RunFolder } from './run-folder.ts';
export type { SynthesisModel, SynthesisRunOptions, SynthesisSummary } from './run-options.ts';
export { runSynthesis } from './run-synthesis.ts';
export { type Seed, seedsFrom, type SeedValue } from './seed.ts';
