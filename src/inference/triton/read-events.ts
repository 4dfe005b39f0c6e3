import { InferenceError } from '../../errors.ts';

/** The data of an event stream's events, as they come. @throws InferenceError `model_failed` for bytes that are no UTF-8, and lines that are no events. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  const lines = function* (): Generator<string> {
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end).replace(/\r$/, '');
      rest = rest.slice(end + 1);
      const data = dataOf(line);
      if (data !== undefined) yield data;
    }
  };
  for await (const chunk of body) {
    rest += decoded(utf8, chunk);
    yield* lines();
  }
  rest += `${decoded(utf8)}\n`; // the last event of some proxies has no end
  yield* lines();
}

function decoded(utf8: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return utf8.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw new InferenceError('model_failed', 'expected an event stream in UTF-8, got other bytes');
  }
}

function dataOf(line: string): string | undefined {
  if (line.startsWith('data:')) return line.slice(5).trim();
  if (line === '' || /^(:|event:|id:|retry:)/.test(line)) return undefined;
  throw new InferenceError('model_failed', 'expected a stream of events, got something else: does the model stream, and is url right?');
}
