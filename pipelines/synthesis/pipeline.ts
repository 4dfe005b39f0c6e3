import { definePipeline, json, type Model, type Pipeline, type Resource, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import { SeedReference, SeedResult } from './outcome.ts';
import type { SeedRunner } from './seed-runner.ts';

export interface SynthesisPipelineOptions {
  /** Of the references that are this run's; others are dropped. */
  readonly run: string;
  readonly prefix: string;
  readonly model: Resource<Model>;
  readonly runner: SeedRunner;
  /** Seeds at once. */
  readonly workers: number;
}

/** A seed may wait for a budget for days. */
const deadlineMs = 7 * 24 * 3_600_000;

/** The topics that the pipeline reads and writes. What was found is in the journal, and is not sent. */
export const synthesisTopics = (prefix = '') =>
  ({
    input: topic(`${prefix}synthesis.seeds`, json(SeedReference)),
    output: topic(`${prefix}synthesis.results`, json(SeedResult)),
    dead: topic(`${prefix}synthesis.dead`),
  }) as const;

/** References to seeds in; when what came of one is in the journal, a result out. */
export function synthesisPipeline({ run, prefix, model, runner, workers }: SynthesisPipelineOptions): Pipeline<SeedReference, SeedResult> {
  const { input, output, dead } = synthesisTopics(prefix);
  return definePipeline({
    name: `${prefix}synthesis`,
    groupId: `${prefix}synthesis.${run}`,
    input,
    output,
    deadLetter: dead,
    ordering: 'none', // every seed stands alone
    deadlineMs,
    retry: 'none', // calls, and processes that die, have their own
    resources: { model },
    process: (references, opened) =>
      references.pipe(mapConcurrent((reference, ctx) => runner.work(reference, opened.model, ctx), { concurrency: workers })),
  });
}
