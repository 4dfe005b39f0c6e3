import { InferenceError } from '../../errors.ts';
import type { Observable } from 'rxjs';
import type { CallContext } from '../../call.ts';
import type { BackendChunk, ChatOptions, ChatTurn, FinishReason, ModelBackend, Usage } from '../model.ts';
import { templated } from './chat-template.ts';
import { generateRequest } from './generate-request.ts';
import { readEvents } from './read-events.ts';
import { StopCutter } from './stop-cutter.ts';
import type { Asked, TritonCalls } from './triton-calls.ts';
import { Refused } from './triton-error.ts';
import { jsonOf, pageFrom, saidIn } from './triton-http.ts';
import type { GenerateOptions } from './triton-options.ts';

interface Written {
  readonly turns: readonly ChatTurn[];
  readonly text: string;
  readonly stop: readonly string[];
}

/** Answers by the generate extension. */
export function generation(calls: TritonCalls, generate: GenerateOptions): Required<Pick<ModelBackend, 'chat' | 'complete'>> {
  const written = ({ turns, text, stop }: Written, options: ChatOptions, ctx: CallContext | undefined): Observable<BackendChunk> =>
    calls.request(ctx, async function* (asked) {
      const stops = [...stop, ...(options.stop ?? [])];
      const pieces = await ask(calls, asked, text, options, stops, generate);
      yield* answer(pieces, new StopCutter(stops), options, (outputTokens) => calls.estimated(turns, outputTokens));
    });
  return {
    chat: (turns, options, ctx) => written({ turns, ...templated(turns, generate.template) }, options, ctx),
    complete: (text, options, ctx) => written({ turns: [{ role: 'user', content: text }], text, stop: [] }, options, ctx),
  };
}

/** One of the server's answers. */
type Told = Readonly<Record<string, unknown>>;

async function ask(
  calls: TritonCalls,
  asked: Asked,
  text: string,
  options: ChatOptions,
  stops: readonly string[],
  generate: GenerateOptions,
): Promise<AsyncIterable<Told>> {
  const { http, shownUrl } = calls;
  const { path, facts } = calls.model();
  const body = JSON.stringify(generateRequest(text, options, stops, generate, await facts.get(asked.signal)));
  const isStream = generate.stream ?? true;
  try {
    const response = await http({
      path: `${path}/generate${isStream ? '_stream' : ''}`,
      body,
      headers: asked.headers,
      signal: asked.signal,
    });
    return isStream ? events(response, shownUrl) : one(await jsonOf(response, shownUrl));
  } catch (error) {
    if (error instanceof Refused && error.status >= 400 && error.status < 500) facts.forget();
    throw error;
  }
}

async function* one(told: Told): AsyncGenerator<Told> {
  yield await Promise.resolve(told);
}

async function* events(response: Response, shownUrl: string): AsyncGenerator<Told> {
  const type = response.headers.get('content-type') ?? '';
  if (/^text\/html/i.test(type)) throw pageFrom(shownUrl);
  if (response.body === null) throw new InferenceError('model_failed', `expected a stream of events from ${shownUrl}, got nothing`);
  if (/^application\/json/i.test(type)) {
    yield await jsonOf(response, shownUrl);
    return;
  }
  for await (const data of readEvents(response.body as ReadableStream<Uint8Array>)) {
    const told = parsed(data, shownUrl);
    if (typeof told['error'] === 'string') throw new Refused(200, saidIn(data), response.headers);
    yield told;
  }
}

function parsed(data: string, shownUrl: string): Told {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Told;
  } catch {
    // told below
  }
  throw new InferenceError('model_failed', `expected events in JSON from ${shownUrl}, got one that is not`);
}

const countIn = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** Pieces of an answer; the last tells the rest. */
async function* answer(
  told: AsyncIterable<Told>,
  cutter: StopCutter,
  { maxTokens = Infinity }: ChatOptions,
  estimated: (outputTokens: number) => Usage,
): AsyncGenerator<BackendChunk> {
  const seen = {
    pieces: 0,
    chars: 0,
    input: undefined as number | undefined,
    output: undefined as number | undefined,
    reason: undefined as string | undefined,
    model: undefined as string | undefined,
  };
  let index = 0;
  for await (const one of told) {
    const text = textIn(one);
    seen.pieces += text === '' ? 0 : 1;
    seen.chars += text.length;
    seen.input = countIn(one['num_input_tokens']) ?? seen.input;
    const output = countIn(one['num_output_tokens']);
    if (output !== undefined) seen.output = (seen.output ?? 0) + output; // of this piece
    if (typeof one['finish_reason'] === 'string') seen.reason = one['finish_reason'];
    if (typeof one['model_name'] === 'string') seen.model = one['model_name'];
    const shown = cutter.push(text);
    if (shown !== '') yield { text: shown, index: index++ };
    if (cutter.isOver) break;
  }
  if (seen.pieces === 0 && seen.reason === undefined && seen.model === undefined)
    throw new InferenceError('model_failed', 'expected an answer, got a stream without any event');
  const rest = cutter.rest();
  const outputTokens = seen.output ?? Math.max(seen.pieces, Math.ceil(seen.chars / 4));
  const usage =
    seen.input === undefined
      ? estimated(outputTokens)
      : { inputTokens: seen.input, cachedTokens: 0, outputTokens, totalTokens: seen.input + outputTokens };
  const finishReason = cutter.isOver ? 'stop' : finishOf(seen.reason, outputTokens, maxTokens);
  yield { text: rest, index, usage, finishReason, ...(seen.model === undefined ? {} : { model: seen.model }) };
}

function textIn({ text_output: text }: Told): string {
  if (typeof text === 'string') return text;
  if (text === undefined) return '';
  if (Array.isArray(text) && text.every((one) => typeof one === 'string')) return text[0] ?? ''; // of several beams the best
  throw new InferenceError('model_failed', 'expected text in text_output, got another value');
}

/** "None" is vLLM's word for: not yet. TensorRT-LLM tells nothing; then whoever has all tokens was cut off. */
function finishOf(reason: string | undefined, outputTokens: number, maxTokens: number): FinishReason {
  if (reason === 'stop' || reason === 'length') return reason;
  if (reason === undefined) return outputTokens >= maxTokens ? 'length' : 'stop';
  if (reason === 'None') throw new InferenceError('model_failed', 'the stream ended before the answer did: the server broke off');
  throw new InferenceError('model_failed', `the server gave the answer up (finish reason ${JSON.stringify(reason.slice(0, 40))})`);
}
