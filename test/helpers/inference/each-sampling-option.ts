import type { ChatOptions, SamplingOption } from '../../../src/inference/model.ts';

/** For each sampling option, options that use it and no other. */
export const eachSamplingOption: Readonly<Record<SamplingOption, ChatOptions>> = {
  topP: { topP: 0.5 },
  topK: { topK: 7 },
  minP: { minP: 0.1 },
  seed: { seed: 3 },
  stopTokens: { stopTokens: ['<|im_end|>'] },
  logProbabilities: { logProbabilities: 2 },
};
