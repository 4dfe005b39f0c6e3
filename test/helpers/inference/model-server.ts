import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { sleep, systemClock } from '../../../src/clock.ts';
import type { ChatTurn, JsonSchema } from '../../../src/inference/model.ts';
import { listening } from '../listening.ts';
import { Refusal } from './refusal.ts';
import { asChatBody, responseEvents, turnsOfInput } from './responses-route.ts';
import { dialects, type Dialect, type ServedKind } from './server-dialects.ts';
import { countToyTokens, toyAnswer, toyLabels, toyLogProbability, toyScore, toyTokens, toyVector } from './toy-language.ts';

/** Room for tokens of prompt and answer. */
const contextTokens = 1_000;

export interface ModelServerOptions {
  /** @defaultValue a free one */
  readonly port?: number;
  /** Of other paths, which are not counted: what is told there. */
  readonly beside?: Readonly<Record<string, () => unknown>>;
}

export interface ModelServer {
  /** The base URL, `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  /** Connections with a request that is being answered. */
  readonly running: () => number;
  /** Requests and tokens so far. */
  readonly done: () => number;
  /** Tears down every connection, and goes on. */
  crash(): void;
  close(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;

/**
 * The toy language behind HTTP, as one of the servers speaks: its routes, fields, log-probabilities, usage and words for what it refuses; a token a
 * millisecond, in an event stream that is cut into packets wherever it falls, also within a character. What a server does not know of a request it ignores, as the
 * real ones do. With `Fail: 500` as a prompt it answers so, and repeats the key that it was sent, as some do.
 */
export async function startModelServer(kind: ServedKind, { port = 0, beside = {} }: ModelServerOptions = {}): Promise<ModelServer> {
  const dialect = dialects[kind];
  const counts = { running: 0, done: 0 };
  let kept = '';
  const cachedOf = (prompt: string): number => {
    let same = 0;
    while (same < kept.length && kept[same] === prompt[same]) same += 1;
    kept = prompt;
    return toyTokens(prompt.slice(0, same)).length;
  };
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    counts.running += 1;
    counts.done += 1;
    outgoing.once('close', () => {
      counts.running -= 1;
    });
    const body = await bodyOf(incoming);
    const path = (incoming.url ?? '').replace(/^\/v1/, '');
    try {
      if (path === '/embeddings' && dialect.embeds) send(outgoing, embeddingsFor(body, dialect));
      else if (path === '/rerank' && dialect.ranks) send(outgoing, ranksFor(body, dialect));
      else if (path === '/tokenize' && dialect.tokenizes) send(outgoing, tokensOf(String(body['prompt'])));
      else if (path === '/chat/completions' && dialect.chats) await answer(body, turnsIn(body), 'chat');
      else if (path === '/responses' && dialect.responses)
        await answer(asChatBody(body, dialect), turnsOfInput(body, dialect), 'responses');
      else if (path === '/completions' && dialect.completes)
        await answer(body, [{ role: 'user', content: String(body['prompt']) }], 'text');
      else throw new Refusal(404, { error: { message: `no route ${path}`, type: 'not_found' } });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      outgoing.writeHead(error.status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(error.body));
    }

    async function answer(given: Body, turns: readonly ChatTurn[], form: Form): Promise<void> {
      const prompt = turns.map(({ content }) => content).join('\n');
      const status = Number(/Fail: (\d{3})/.exec(prompt)?.[1] ?? 0);
      const key = incoming.headers.authorization ?? 'none';
      if (status > 0) throw new Refusal(status, { error: { message: `it failed for ${key}`, type: 'server_error' } });
      const inputTokens = form === 'text' ? toyTokens(prompt).length : countToyTokens(turns);
      const maxTokens = Number(given[dialect.maxTokensField] ?? given['max_tokens'] ?? 100);
      if (inputTokens + maxTokens > contextTokens) throw new Refusal(400, dialect.tooLong(inputTokens, contextTokens));
      const { tokens, isCut } = toyAnswer(turns, { ...optionsIn(given, dialect), maxTokens });
      const usage = { prompt_tokens: inputTokens, completion_tokens: tokens.length, total_tokens: inputTokens + tokens.length };
      const told = { ...usage, ...dialect.cached(Math.min(cachedOf(prompt), inputTokens - 1)) };
      const alternatives = dialect.alternativesIn(given, form === 'text' ? 'text' : 'chat');
      if (given['stream'] !== true) {
        const labels = labelsIn(prompt);
        const tops = toyLabels(turns, labels).map((logprob, index) => ({ token: toyTokens(labels[index] ?? '')[0], logprob }));
        const logprobs =
          alternatives === undefined ? null : { content: [{ token: 'x', logprob: -1, top_logprobs: tops.slice(0, alternatives) }] };
        counts.done += 1;
        send(outgoing, {
          model: 'served',
          choices: [{ index: 0, message: { role: 'assistant', content: tokens[0] ?? '' }, finish_reason: 'length', logprobs }],
          usage: told,
        });
        return;
      }
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      const telling = { isCut, alternatives, usage: told, dialect, tool: toolIn(given)?.name };
      const labels = labelsIn(prompt);
      const tops =
        labels.length === 0
          ? undefined
          : toyLabels(turns, labels).map((logProbability, index) => ({ token: toyTokens(labels[index] ?? '')[0] ?? '', logProbability }));
      const events = form === 'responses' ? responseEvents(tokens, { ...telling, tops }) : eventsOf(tokens, { ...telling, form });
      for (const event of events) {
        if (outgoing.destroyed) return;
        counts.done += 1; // before it is seen
        await writeInParts(outgoing, event);
        await sleep(systemClock, 1);
      }
      outgoing.end();
    }
  };
  const server = createServer((incoming, outgoing) => {
    const told = beside[incoming.url ?? ''];
    if (told) send(outgoing, told());
    else handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const { host, ...rest } = await listening(server, port);
  return {
    url: `http://${host}/v1`,
    running: () => counts.running,
    done: () => counts.done,
    ...rest,
  };
}

/** A special token is one; text is as many as it has. */
function tokensOf(text: string) {
  const tokens = /^<\|\w+\|>$/.test(text) ? [7] : toyTokens(text).map((_, index) => 100 + index);
  return { count: tokens.length, max_model_len: contextTokens, tokens };
}

const send = (outgoing: ServerResponse, body: unknown): void => {
  outgoing.writeHead(200, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify(body));
};

async function bodyOf(incoming: IncomingMessage): Promise<Body> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString()) as Body;
}

const turnsIn = ({ messages }: Body): readonly ChatTurn[] => messages as readonly ChatTurn[];

function optionsIn(body: Body, dialect: Dialect) {
  const { temperature, seed, stop } = body;
  const number = (name: string): Readonly<Record<string, number>> => (typeof body[name] === 'number' ? { [name]: body[name] } : {});
  const {
    top_p: topP,
    top_k: topK,
    min_p: minP,
  } = { ...number('top_p'), ...(dialect.knowsTopK ? { ...number('top_k'), ...number('min_p') } : {}) };
  const jsonSchema = toolIn(body)?.parameters ?? dialect.schemaIn(body);
  return {
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof seed === 'number' && dialect.knowsSeed ? { seed } : {}),
    ...(Array.isArray(stop) ? { stop: stop.map(String) } : {}),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(minP === undefined ? {} : { minP }),
    ...(jsonSchema === undefined ? {} : { jsonSchema: jsonSchema as JsonSchema }),
  };
}

/** The tool that is to be called: its arguments are the answer. */
function toolIn({ tools, tool_choice: choice }: Body): { readonly name: string; readonly parameters: JsonSchema } | undefined {
  const wanted = (choice as { readonly function?: { readonly name: string } } | undefined)?.function?.name;
  const all = (tools ?? []) as readonly { readonly function: { readonly name: string; readonly parameters: JsonSchema } }[];
  return all.find((one) => one.function.name === wanted)?.function;
}

type Form = 'chat' | 'text' | 'responses';

const labelsIn = (prompt: string): readonly string[] => /nothing else: (.*)$/m.exec(prompt)?.[1]?.split(', ') ?? [];

interface Telling {
  readonly form: 'chat' | 'text';
  readonly isCut: boolean;
  readonly alternatives: number | undefined;
  readonly usage: unknown;
  readonly dialect: Dialect;
  /** The tool that the tokens are the arguments of. */
  readonly tool: string | undefined;
}

function* eventsOf(tokens: readonly string[], { form, isCut, alternatives, usage, dialect, tool }: Telling): Generator<string> {
  const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
  const base = { id: 'c1', object: form === 'chat' ? 'chat.completion.chunk' : 'text_completion', created: 1, model: 'served' };
  const said = (text: string) => (form === 'chat' ? { delta: { content: text } } : { text });
  const called = (args: string, at: number) => ({
    delta: {
      tool_calls: [
        {
          index: 0,
          ...(at === 0 ? { id: 'call-1', type: 'function' } : {}),
          function: { ...(at === 0 ? { name: tool } : {}), arguments: args },
        },
      ],
    },
  });
  if (form === 'chat') yield event({ ...base, choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] });
  for (const [at, token] of tokens.entries()) {
    const logprobs = alternatives === undefined ? {} : { logprobs: dialect.logprobs(toyLogProbability(token, alternatives), form) };
    yield event({
      ...base,
      choices: [{ index: 0, ...(tool === undefined ? said(token) : called(token, at)), finish_reason: null, ...logprobs }],
    });
  }
  yield event({
    ...base,
    choices: [{ index: 0, ...said(''), finish_reason: isCut ? 'length' : tool === undefined ? 'stop' : 'tool_calls' }],
    ...(dialect.usageAtEnd ? { usage } : {}),
  });
  if (!dialect.usageAtEnd) yield event({ ...base, choices: [], usage });
  yield 'data: [DONE]\n\n';
}

/** In packets of 7 bytes now and then, so that a character comes in two. */
async function writeInParts(outgoing: ServerResponse, event: string): Promise<void> {
  const bytes = Buffer.from(event);
  const at = bytes.findIndex((byte) => byte >= 0xc0) + 1;
  if (at > 0) {
    outgoing.write(bytes.subarray(0, at));
    await new Promise(setImmediate);
  }
  outgoing.write(bytes.subarray(Math.max(0, at)));
}

function embeddingsFor({ input, model }: Body, { sortsEmbeddings }: Dialect) {
  const texts = (Array.isArray(input) ? input : [input]).map(String);
  const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: toyVector(text) }));
  const tokens = texts.reduce((sum, text) => sum + toyTokens(text).length, 0);
  return {
    object: 'list',
    model,
    data: sortsEmbeddings ? data : data.toReversed(),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function ranksFor(body: Body, { ranks }: Dialect): unknown {
  const documents = (body[ranks?.field ?? ''] as readonly unknown[]).map(String);
  const scored = documents.map((document, index) => ({ index, score: toyScore(String(body['query']), document) }));
  const sorted = scored.toSorted((a, b) => b.score - a.score);
  const tokens = documents.reduce((sum, one) => sum + toyTokens(one).length, 0);
  return ranks?.form(sorted, tokens);
}
