export type { Engine, EngineStats } from './engine.ts';
export { type AskOptions, parallel, type RunBatchOptions, type RunOptions } from './parallel.ts';
export type { EngineOptions, Run, RunBatch, Work } from './parallel-options.ts';
export type { Results, SubmissionCounts } from './results.ts';
export type { ShareOptions, ShareStats } from './shares.state.ts';
export type { SubmitOptions } from './submit-options.ts';
export type { TaskResult } from './task.ts';
export { clean, type CleanStep, type Fields, type ScaleOptions, steps } from './clean.ts';
export { type DynamicShards, dynamicShards, type DynamicShardsOptions, type Shard } from './dynamic-shards.ts';
export { type Isolated, isolated } from './isolated.ts';
export type { IsolatedOptions } from './isolated-options.ts';
export { linesOf, type LinesOptions, readChunks, type ReadChunksOptions } from './read-chunks.ts';
export {
  type TextWindow,
  textWindows,
  type TimeWindow,
  timeWindows,
  type TimeWindowsOptions,
  windows,
  type WindowsOptions,
} from './windows.ts';
export { inputs, type InterleaveOptions, type MapOptions, type ShuffleOptions } from './inputs.ts';
