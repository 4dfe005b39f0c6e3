import { InferenceError } from '../../errors.ts';
import { endpointUrl } from './endpoint-url.ts';
import type { Asked, ModelCalls } from './model-calls.ts';

/** What of a request says which tokens end an answer. */
type StopFields = { readonly stop_token_ids?: number[] };

/** As many names as are remembered; a pipeline uses one or two. */
const mostKnown = 64;

/** How special tokens are written: `<|im_end|>`, `</s>`, `[INST]`. A word may be one token, too, and is none of these. */
const looksSpecial = /^(<.+>|\[.+\])$/;

/**
 * Special tokens as vLLM wants them, by their numbers: asked of its `/tokenize`, which stands beside the base URL, once for each name.
 * Holds 64 names.
 * @throws InferenceError `model_rejected` for what is text to the model: it could never come as one token.
 */
export function stopTokenIds({ client, options: { baseUrl, model } }: Pick<ModelCalls, 'client' | 'options'>) {
  const known = new Map<string, number>();
  const url = endpointUrl(baseUrl, '../tokenize');
  const idOf = async (name: string, asked: Asked): Promise<number> => {
    const found = known.get(name);
    if (found !== undefined) return found;
    if (!looksSpecial.test(name)) throw notSpecial(name);
    const body = { model, prompt: name, add_special_tokens: false };
    const { tokens } = await client.post<{ readonly tokens?: unknown }>(url, { body, ...asked });
    const [id, ...more] = Array.isArray(tokens) ? (tokens as readonly unknown[]) : [];
    if (typeof id !== 'number' || more.length > 0) throw notSpecial(name);
    if (known.size >= mostKnown) known.clear();
    known.set(name, id);
    return id;
  };
  return async (names: readonly string[] | undefined, asked: Asked): Promise<StopFields> => {
    if (names === undefined || names.length === 0) return {};
    const ids: number[] = [];
    for (const name of names) ids.push(await idOf(name, asked));
    return { stop_token_ids: ids };
  };
}

const notSpecial = (name: string): InferenceError =>
  new InferenceError(
    'model_rejected',
    `expected stopTokens that are special tokens of the model, got ${JSON.stringify(name)}: take \`stop\` for text`,
  );
