import { InferenceError } from '../../errors.ts';
import { errorIn, isRecord, parsedJson } from './plain-errors.ts';
import { pageFrom } from './whole-answer.ts';

/**
 * A `fetch` under which an answer that is no stream, where one was asked for, says what it is: the client would read nothing in it, and call that an end.
 * Goes by how the answer begins, not by the type that it claims. An error in place of the stream becomes one within it. A stream passes as it comes; of
 * anything else one answer is held, which is as long as the `fetch` below lets it be.
 * @throws InferenceError, as the body is read: `model_not_found` for a page, `capability_missing` for a whole answer, `model_failed` for anything else.
 */
export const checkedStreams =
  (given: typeof fetch): typeof fetch =>
  async (input, init) => {
    const response = await given(input, init);
    if (!response.ok || !asksForStream(init?.body)) return response;
    const where = shownUrlOf(input);
    if (response.body === null) throw nothingFrom(where, response.status);
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(check(where, status)), { status, statusText, headers });
  };

/** Within a text of JSON quotes are escaped: these are a field. */
const asksForStream = (body: unknown): boolean => typeof body === 'string' && /"stream":true[,}]/.test(body);

function shownUrlOf(input: Parameters<typeof fetch>[0]): string {
  const { origin, pathname } = new URL(input instanceof Request ? input.url : input);
  return `${origin}${pathname}`;
}

function check(where: string, status: number): TransformStream<Uint8Array, Uint8Array> {
  const held: Uint8Array[] = [];
  let begins: string | undefined; // with its first character that is not blank
  return new TransformStream({
    transform: (chunk, controller) => {
      begins ??= firstOf(chunk);
      if (begins === undefined) return;
      if (begins === '<') controller.error(pageFrom(where));
      else if (begins === '{' || begins === '[') held.push(chunk);
      else controller.enqueue(chunk);
    },
    flush: (controller) => {
      if (begins === undefined) controller.error(nothingFrom(where, status));
      if (held.length === 0) return;
      const body = parsedJson(Buffer.concat(held).toString());
      const error = errorIn(body);
      if (error === undefined) controller.error(notStreamed(body, where));
      else controller.enqueue(Buffer.from(`data: ${JSON.stringify({ error })}\n\n`));
    },
  });
}

const blanks: ReadonlySet<number> = new Set([0xef, 0xbb, 0xbf, 0x20, 0x09, 0x0a, 0x0d]); // the first three: a byte order mark

function firstOf(chunk: Uint8Array): string | undefined {
  const byte = chunk.find((one) => !blanks.has(one));
  return byte === undefined ? undefined : String.fromCharCode(byte);
}

const nothingFrom = (where: string, status: number): InferenceError =>
  new InferenceError('model_failed', `expected an answer from ${where}, got none (status ${String(status)}, no body)`);

function notStreamed(body: unknown, where: string): InferenceError {
  const isAnswer = isRecord(body) && (Array.isArray(body['choices']) || Array.isArray(body['output']));
  if (isAnswer)
    return new InferenceError(
      'capability_missing',
      `expected an answer piece by piece from ${where}, got it whole: the server, or what stands before it, ignores "stream": true`,
    );
  return new InferenceError('model_failed', `expected a stream of events from ${where}, got JSON that is neither an answer nor an error`);
}
