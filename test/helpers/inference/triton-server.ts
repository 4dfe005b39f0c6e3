import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { sleep, systemClock } from '../../../src/clock.ts';
import type { ChatTurn, JsonSchema } from '../../../src/inference/model.ts';
import { listening } from '../listening.ts';
import { Refusal } from './refusal.ts';
import { received, respond, type ServedTensor, textsIn, type TritonRequest } from './triton-wire.ts';
import { countToyTokens, toyAnswer, toyLabels, toyVector } from './toy-language.ts';

/** Room for tokens of prompt and answer. */
const contextTokens = 1_000;
export const toyLabelNames = ['red', 'blue', 'green'] as const;

/** In place of the server's own answer: a status and a body, as they are; or never one. */
export type TritonReply =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      readonly tears?: boolean;
    }
  | 'hang'
  | undefined;

export interface TritonServerOptions {
  /** What the server says that it can. @defaultValue all that the tests know */
  readonly extensions?: readonly string[];
  /** By path; undefined is the server's own answer. */
  readonly reply?: (request: TritonRequest) => TritonReply;
  /** @defaultValue 4 */
  readonly maxRows?: number;
  /** What the queue has cost so far, in ns. */
  readonly queuedNs?: () => number;
}

export interface TritonServer {
  readonly url: string;
  readonly requests: readonly TritonRequest[];
  readonly running: () => number;
  /** Requests and tokens so far, but for those that only look. */
  readonly done: () => number;
  crash(): void;
  close(): Promise<void>;
}

const any = (name: string, datatype: string, shape: readonly number[]) => ({ name, datatype, shape });

/** What the model `toy` takes: tensors of some kinds, which come back with `-out` behind their names, and what the vLLM back end takes. */
const toyInputs = [
  ...[any('x', 'FP32', [-1]), any('numbers', 'FP32', [-1, -1]), any('large', 'INT64', [-1]), any('texts', 'BYTES', [-1])],
  ...[
    any('half', 'FP16', [-1]),
    any('brain', 'BF16', [-1]),
    any('truths', 'BOOL', [-1]),
    any('small', 'INT8', [-1, 2]),
    any('vast', 'UINT64', [-1]),
  ],
  ...[
    any('text_input', 'BYTES', [1]),
    any('stream', 'BOOL', [1]),
    any('sampling_parameters', 'BYTES', [1]),
    any('exclude_input_in_output', 'BOOL', [1]),
  ],
  ...[any('return_finish_reason', 'BOOL', [1]), any('return_num_input_tokens', 'BOOL', [1]), any('return_num_output_tokens', 'BOOL', [1])],
];
const models: Readonly<
  Record<string, { readonly inputs: readonly ReturnType<typeof any>[]; readonly outputs: readonly ReturnType<typeof any>[] }>
> = {
  toy: { inputs: toyInputs, outputs: [any('text_output', 'BYTES', [-1])] },
  vectors: { inputs: [any('TEXT', 'BYTES', [-1, 1])], outputs: [any('VECTOR', 'FP32', [-1, 32])] },
  kinds: { inputs: [any('TEXT', 'BYTES', [-1, 1])], outputs: [any('LOGITS', 'FP16', [-1, 3])] },
};
const datatypeOf = (name: string): string | undefined =>
  Object.values(models)
    .flatMap((model) => model.inputs)
    .find((input) => input.name === name)?.datatype;
const allExtensions = [
  'classification',
  'sequence',
  'model_repository',
  'schedule_policy',
  'model_configuration',
  'binary_tensor_data',
  'parameters',
  'statistics',
];

/**
 * The toy language, and tensors that come back, behind the Open Inference Protocol as Triton speaks it: paths, words of what it refuses, sizes checked to the
 * byte, tensors in JSON or as bytes behind it, event streams without an end mark, a token a millisecond. Strict: what the protocol does not have is refused.
 */
export async function startTritonServer({
  extensions = allExtensions,
  reply = () => undefined,
  maxRows = 4,
  queuedNs = () => 0,
}: TritonServerOptions = {}): Promise<TritonServer> {
  const requests: TritonRequest[] = [];
  const counts = { running: 0, done: 0 };
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const path = incoming.url ?? '';
    const looks = path.endsWith('/stats');
    if (!looks) {
      counts.running += 1;
      counts.done += 1;
      outgoing.once('close', () => (counts.running -= 1));
    }
    try {
      const request = await received(incoming, path, datatypeOf);
      requests.push(request);
      const given = reply(request);
      if (given === 'hang') return;
      if (given !== undefined) {
        outgoing.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
        if (given.tears !== true) outgoing.end(given.body ?? '');
        else outgoing.write(given.body ?? '', () => outgoing.socket?.resetAndDestroy());
        return;
      }
      await serve(request, outgoing);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      outgoing.writeHead(error.status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ error: error.body }));
    }
  };
  const serve = async (request: TritonRequest, outgoing: ServerResponse): Promise<void> => {
    const [, name = '', version, what = ''] = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(\w+))?$/.exec(request.path) ?? [];
    const json = (value: unknown): void => {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(value === undefined ? '' : JSON.stringify(value));
    };
    if (request.path === '/v2') json({ name: 'triton', version: '2.60.0', extensions });
    else if (/^\/v2\/health\/(live|ready)$/.test(request.path)) json(undefined);
    else if (name === '') throw new Refusal(404, 'Not Found');
    else {
      const model = Object.hasOwn(models, name) ? models[name] : undefined;
      if (model === undefined || (version !== undefined && version !== '1'))
        throw new Refusal(404, `Request for unknown model: '${name}' is not found`);
      if (what === '') json({ name, versions: ['1'], platform: 'python', ...model });
      else if (what === 'ready') json(undefined);
      else if (what === 'config') json({ name, max_batch_size: maxRows });
      else if (what === 'stats') json({ model_stats: [{ name, version: '1', inference_stats: { queue: { count: 1, ns: queuedNs() } } }] });
      else if (what === 'infer') infer(request, outgoing, name);
      else if (what === 'generate' || what === 'generate_stream') await generate(request, outgoing, what === 'generate_stream');
      else throw new Refusal(404, 'Not Found');
    }
  };
  const generate = async ({ json, headers }: TritonRequest, outgoing: ServerResponse, isStream: boolean): Promise<void> => {
    if ((json['stream'] === true) !== isStream)
      throw new Refusal(
        500,
        'generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses',
      );
    const text = String(json['text_input']);
    const status = Number(/Fail: (\d{3})/.exec(text)?.[1] ?? 0);
    if (status > 0) throw new Refusal(status, `it failed for ${headers.authorization ?? 'none'}`);
    const turns = turnsOf(text);
    const inputTokens = countToyTokens(turns);
    const options = JSON.parse(String(json['sampling_parameters'])) as Readonly<Record<string, unknown>>;
    const maxTokens = Number(options['max_tokens'] ?? 16);
    const type = { 'content-type': isStream ? 'text/event-stream; charset=utf-8' : 'application/json' };
    const event = (value: unknown): string => (isStream ? `data: ${JSON.stringify(value)}\n\n` : JSON.stringify(value));
    if (inputTokens + maxTokens > contextTokens) {
      const error = `Error generating stream: The decoder prompt (length ${String(inputTokens)}) is longer than the maximum model length of ${String(contextTokens)}`;
      outgoing.writeHead(500, type).end(event({ error }));
      return;
    }
    const { tokens, isCut } = toyAnswer(turns, { ...optionsIn(options), maxTokens });
    const told = (piece: string, count: number, reason: string) => ({
      ...{
        model_name: 'toy',
        model_version: '1',
        text_output: piece,
        finish_reason: reason,
        num_input_tokens: inputTokens,
        num_output_tokens: count,
      },
    });
    const end = isCut ? 'length' : 'stop';
    outgoing.writeHead(200, type);
    if (!isStream) {
      counts.done += tokens.length;
      outgoing.end(event(told(tokens.join(''), tokens.length, end)));
      return;
    }
    for (const token of tokens) {
      if (outgoing.destroyed) return;
      counts.done += 1;
      const bytes = Buffer.from(event(told(token, 1, 'None')));
      const at = bytes.findIndex((byte) => byte >= 0xc0) + 1; // a character comes in two
      if (at > 0) {
        outgoing.write(bytes.subarray(0, at));
        await new Promise(setImmediate);
      }
      outgoing.write(bytes.subarray(at));
      await sleep(systemClock, 1);
    }
    outgoing.end(event(told('', 0, end)));
  };
  const infer = (request: TritonRequest, outgoing: ServerResponse, name: string): void => {
    const isBatched = name !== 'toy';
    const rows = request.inputs[0]?.shape[0] ?? 0;
    if (isBatched && rows > maxRows) throw new Refusal(400, `inference request batch-size must be <= ${String(maxRows)} for '${name}'`);
    const outputs = isBatched
      ? [taskOutput(name, textsIn(request.inputs[0]))]
      : request.inputs.map((one) => ({ ...one, name: `${one.name}-out` }));
    const isBinary = (request.json['parameters'] as { readonly binary_data_output?: boolean } | undefined)?.binary_data_output === true;
    respond(request, outgoing, name, outputs, isBinary);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const { host, ...rest } = await listening(server);
  return {
    url: `http://${host}`,
    requests,
    running: () => counts.running,
    done: () => counts.done,
    ...rest,
  };
}

function taskOutput(name: string, texts: readonly string[]): ServedTensor {
  if (name === 'vectors') {
    const values = Float32Array.from(texts.flatMap(toyVector));
    return { name: 'VECTOR', shape: [texts.length, 32], datatype: 'FP32', bytes: Buffer.from(values.buffer) };
  }
  // as floats of 64 bits, so that the test's server needs no halves of its own
  const values = Float64Array.from(texts.flatMap((text) => toyLabels([{ role: 'user', content: text }], toyLabelNames)));
  return { name: 'LOGITS', shape: [texts.length, 3], datatype: 'FP64', bytes: Buffer.from(values.buffer) };
}

/** What stands in a prompt by ChatML; the text alone without it. */
function turnsOf(text: string): readonly ChatTurn[] {
  const turns = [...text.matchAll(/<\|im_start\|>(system|user|assistant)\n([^]*?)<\|im_end\|>\n/g)].map(([, role, content = '']) => ({
    role: role as ChatTurn['role'],
    content,
  }));
  return turns.length === 0 ? [{ role: 'user', content: text }] : turns;
}

function optionsIn(options: Readonly<Record<string, unknown>>) {
  const {
    temperature,
    seed,
    stop,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    structured_outputs: structured,
  } = options as {
    readonly [name in 'temperature' | 'seed' | 'top_p' | 'top_k' | 'min_p']?: number;
  } & { readonly stop?: readonly string[]; readonly structured_outputs?: string };
  const schema = structured === undefined ? undefined : (JSON.parse(structured) as { readonly json: JsonSchema }).json;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(minP === undefined ? {} : { minP }),
    ...(schema === undefined ? {} : { jsonSchema: schema }),
  };
}
