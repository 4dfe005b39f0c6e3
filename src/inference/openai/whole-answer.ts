import { InferenceError } from '../../errors.ts';
import { errorIn } from './plain-errors.ts';

/**
 * An answer that came in one piece with status 200, if it is none of the things that are no answers.
 * @throws what `openAiError` reads, for an error in its place; InferenceError `model_not_found` for a page, `model_failed` for none, or one that is no JSON.
 */
export function wholeAnswer<T>(reply: T, shownUrl: string): T {
  if (typeof reply === 'string' && isPage(reply)) throw pageFrom(shownUrl);
  const error = errorIn(reply);
  if (error !== undefined) throw Object.assign(new Error('an error in place of an answer'), { error });
  if (typeof reply === 'object' && reply !== null) return reply;
  const got = reply === undefined || reply === null || reply === '' ? 'none' : 'something else';
  throw new InferenceError('model_failed', `expected an answer in JSON from ${shownUrl}, got ${got}`);
}

const isPage = (text: string): boolean => /^\s*</.test(text);

/** No model's words: somebody has to look, as with a redirect. */
export const pageFrom = (where: string): InferenceError =>
  new InferenceError(
    'model_not_found',
    `expected an answer of the API from ${where}, got a page (HTML): is baseUrl right, which mostly ends in /v1, and does a proxy ask for a login?`,
  );
