export type { Engine, EngineStats } from './engine.ts';
export { type AskOptions, parallel, type RunBatchOptions, type RunOptions } from './parallel.ts';
export type { EngineOptions, Run, RunBatch, Work } from './parallel-options.ts';
export type { Results, SubmissionCounts } from './results.ts';
export type { SubmitOptions } from './submit-options.ts';
export type { TaskResult } from './task.ts';
