import { messageOf, PipelineError } from '../errors.ts';

/** What keeps a file from being written, and what helps. */
export const cannotWrite = (path: string, error: unknown): PipelineError =>
  new PipelineError(
    'resource_failed',
    `cannot write ${path}: ${messageOf(error)}; make room, or mend it, and give the same command again: what is finished is in the journal`,
    { cause: error },
  );
