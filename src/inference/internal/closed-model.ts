import { InferenceError } from '../../errors.ts';

/** What calls of a model that is closed fail with. */
export const closedModel = (): InferenceError => new InferenceError('model_unavailable', 'the model is closed');
