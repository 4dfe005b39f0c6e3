import type { LlamaModel, Token } from 'node-llama-cpp';
import { InferenceError } from '../../../errors.ts';

/**
 * The model's special tokens by the way it writes them.
 * @throws InferenceError `model_rejected` for what is text to this model: it could never come as one token.
 */
export function specialTokens(model: Pick<LlamaModel, 'tokenize' | 'isSpecialToken'>, names: readonly string[]): ReadonlySet<Token> {
  return new Set(
    names.map((name) => {
      const [token, ...more] = model.tokenize(name, true);
      if (token !== undefined && more.length === 0 && model.isSpecialToken(token)) return token;
      throw new InferenceError(
        'model_rejected',
        `expected stopTokens that are special tokens of the model, got ${JSON.stringify(name)}: take \`stop\` for text`,
      );
    }),
  );
}
