import type { SynthesisRunOptions, SynthesisSummary } from './run-options.ts';
import { SynthesisRun } from './synthesis-run.ts';

/**
 * Works on the seeds of a run: each in a process of its own, `max_workers` at once. What is finished is in the run's journal and never done again: interrupted, killed or failed, a run goes on where it stopped. Rejects when it cannot go on
 * (a disk that is full, a model that stays away, a wrong key), after it has closed all it opened. Holds how each seed ended, the words of the questions that were kept, and what the seeds under way have found.
 * @throws OptionError for options out of range; JournalError `journal_in_use` where another process works on the same run.
 */
export const runSynthesis = (options: SynthesisRunOptions): Promise<SynthesisSummary> => new SynthesisRun(options).run();
