import { InferenceError, OptionError, PipelineError, type StreamError } from '../../errors.ts';
import type { ErrorData } from './protocol.ts';

/** The error that a process told of. */
export function errorOfData({ code, message }: ErrorData): StreamError {
  if (code === 'invalid_option') return new OptionError(message);
  return code === 'missing_dependency' ? new PipelineError(code, message) : new InferenceError(code, message);
}
