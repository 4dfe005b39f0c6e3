import { InferenceError } from '../../errors.ts';
import type { ProcessEnd } from './process-end.ts';

/** For a call that was in a process when it crashed. */
export const crashedWith = (end: ProcessEnd, calls: number): InferenceError =>
  new InferenceError(
    'model_crashed',
    `the model's process ended (${end.how}) with ${String(calls)} calls in it, this among them; that counts as no attempt`,
  );

/** For the call that brings the process down. */
export const killedBy = (end: ProcessEnd): InferenceError =>
  new InferenceError(
    'model_killed',
    `this call brings the model's process down: it ended again, with nothing else in it (${end.how}); shorten or change the prompt, update node-llama-cpp, or try another file of the model`,
  );
