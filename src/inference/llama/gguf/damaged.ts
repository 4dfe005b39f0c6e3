import { InferenceError } from '../../../errors.ts';

/** A file that is not what it should be; whoever knows its path adds it. */
export const damaged = (why: string): InferenceError => new InferenceError('model_damaged', why);
