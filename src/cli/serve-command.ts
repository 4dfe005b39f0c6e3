import { readFile } from 'node:fs/promises';
import { type Command, defineCommand } from '../command.ts';
import { messageOf, OptionError } from '../errors.ts';
import { type ServedBy, servedModel } from './served-model.ts';
import type { Model } from '../inference/model.ts';
import type { Resource } from '../resource.ts';
import { parseKeys, type ServiceKey } from '../service/callers.ts';
import { serveModels } from '../service/serve-models.ts';
import type { ServedTopics } from '../service/served-topics.ts';
import { viaTopic } from '../service/via/via-topic.ts';
import type { Transport } from '../transport/transport.ts';
import { requireKafka } from './broker-needed.ts';
import type { CliContext } from './context.ts';
import { runSettingsTable } from './run-settings.ts';

const keyVariable = 'MILLRACE_SERVICE_KEY';

const options = {
  model: {
    kind: 'text',
    value: 'name',
    summary: 'smollm2 (default), hf:owner/repo/file.gguf, a file, llama-server:…, server:…#model or https://host/v1#model',
  },
  as: { kind: 'text', value: 'name', summary: 'what clients call it (default: as --model says, without what stands before a #)' },
  workers: { kind: 'text', value: 'n', summary: 'processes that hold the model, or auto: one for each GPU or set of CPUs (default: 1)' },
  maxCalls: { kind: 'integer', value: 'n', min: 1, max: 256, summary: 'calls that each worker computes together (default: 4)' },
  maxMemoryMb: {
    kind: 'integer',
    value: 'n',
    min: 64,
    max: 10_000_000,
    summary: 'memory of each worker in MiB; one that takes more is replaced between requests (default: no bound)',
  },
  maxWaiting: { kind: 'integer', value: 'n', min: 0, max: 100_000, summary: 'requests that may wait; more get 429 (default: 256)' },
  maxTokens: { kind: 'integer', value: 'n', min: 1, max: 1_000_000, summary: 'longest answer (default: 4096)' },
  host: { kind: 'text', value: 'address', summary: 'where it listens; other machines need --key-file (default: 127.0.0.1)' },
  port: { kind: 'integer', value: 'port', min: 0, max: 65_535, summary: '0 is any free port (default: 8080)' },
  keyFile: {
    kind: 'text',
    value: 'file',
    summary: `who may ask: lines NAME KEY [weight=2] [max-open=10] [requests-per-minute=60] [tokens-per-minute=20000]; or one key in ${keyVariable}`,
  },
  produceTopics: { kind: 'text', value: 'a,b', summary: 'topics that clients may write, at --brokers (default: none)' },
  consumeTopics: { kind: 'text', value: 'a,b', summary: 'topics that clients may read (default: none)' },
  via: {
    kind: 'text',
    value: 'topic',
    summary: 'ask workers through this topic at --brokers, and be one of them; --workers 0: only ask (default: none)',
  },
  viaMaxOpen: {
    kind: 'integer',
    value: 'n',
    min: 1,
    max: 100_000,
    summary: 'requests of this server that are on the topic of --via at once; more wait here (default: 64)',
  },
  drainDeadlineMs: runSettingsTable.drainDeadlineMs,
} as const;

export const serveCommand: Command = defineCommand({
  name: 'serve',
  summary: 'serve a model over HTTP: to OpenAI clients, and as resumable streams',
  details: `The model is loaded and warmed up first. Then OpenAI's clients may use it at http://HOST:PORT/v1, and a browser at http://HOST:PORT.

Workers are processes that hold the model; they are started once, and anew when one dies: what it had not begun to answer goes to another one.
Each computes --max-calls requests together; --max-waiting more wait, shared out among keys by weight; others get 429 with Retry-After.

Ctrl-C or SIGTERM: nothing new is taken, what runs is finished within --drain-deadline-ms, and it ends with 0. Again: at once.`,
  options,
  stopping: {
    first: 'stopping: what runs is finished first; again (Ctrl-C) to end at once',
    second: 'ended at once: answers that ran were cut off',
  },
  examples: [
    { line: 'millrace serve', does: 'the small model, on this machine, port 8080' },
    { line: 'millrace serve --model hf:owner/repo/file.gguf --workers 2', does: 'another one, in two processes' },
    {
      line: 'millrace serve --brokers localhost:9092 --produce-topics reviews --consume-topics reviews.enriched',
      does: 'topics of a broker, too, for curl and browsers',
    },
    {
      line: 'millrace serve --brokers localhost:9092 --via asks',
      does: 'a server and a worker of many: they share the load through topics',
    },
    { line: 'millrace serve --host 0.0.0.0 --key-file keys.txt', does: 'for other machines' },
  ],
  run: async ({ options: given }, context) => {
    const { out, log, clock, signal, settings } = context as CliContext;
    const keys = await keysOf(given.keyFile);
    const by = servedBy(given);
    const { name, model } = servedModel({ ...by, workers: by.workers === 0 ? 1 : by.workers });
    const opened = await topicsOf(given, context as CliContext);
    try {
      out.note(by.workers === 0 ? `waiting for a worker of ${String(given.via)}` : `loading ${by.model}`);
      const service = await serveModels({
        ...(opened?.topics ? { topics: opened.topics } : {}),
        models: {
          [given.as ?? name]: opened === undefined ? model : viaModel(given, opened.transport, by, model),
        },
        ...numbersOf(given),
        ...{ keys, log, clock, signal },
        port: given.port ?? 8080,
        host: given.host ?? '127.0.0.1',
      });
      out.note(
        `${given.as ?? name} is served at ${service.url}: for OpenAI's clients ${service.url}/v1, for browsers ${service.url}; Ctrl-C stops it`,
      );
      out.json({ serving: { url: service.url, model: given.as ?? name } });
      await aborted(signal);
      await service.drain({ deadlineMs: settings.run.drainDeadlineMs ?? 30_000 });
    } finally {
      await opened?.close();
    }
  },
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

interface Given {
  readonly model: string | undefined;
  readonly workers: string | undefined;
  readonly maxCalls: number | undefined;
  readonly maxMemoryMb: number | undefined;
  readonly maxWaiting: number | undefined;
  readonly maxTokens: number | undefined;
  readonly via: string | undefined;
  readonly viaMaxOpen: number | undefined;
}

function servedBy({ model = 'smollm2', workers = '1', maxCalls = 4, maxMemoryMb, via, viaMaxOpen }: Given): ServedBy {
  if (viaMaxOpen !== undefined && via === undefined) throw new OptionError('--via-max-open is of --via TOPIC: give both, or none');
  if (workers === '0' && via === undefined) throw new OptionError('--workers 0 needs --via TOPIC: without it nobody would answer');
  if (workers !== 'auto' && !/^(\d|[1-5]\d|6[0-4])$/.test(workers))
    throw new OptionError(`--workers must be auto, or an integer from 1 to 64 (0 with --via), got ${JSON.stringify(workers)}`);
  const memory = maxMemoryMb === undefined ? {} : { maxMemoryBytes: maxMemoryMb * 1024 * 1024 };
  return { model, maxCalls, ...memory, workers: workers === 'auto' ? 'auto' : Number(workers) };
}

const viaModel = ({ via, viaMaxOpen }: Given, transport: Transport, { workers }: ServedBy, model: Resource<Model>): Resource<Model> =>
  via === undefined
    ? model
    : viaTopic({
        transport,
        topic: via,
        ...(workers === 0 ? {} : { model }),
        ...(viaMaxOpen === undefined ? {} : { maxOpen: viaMaxOpen }),
      });

interface OpenedTopics {
  readonly transport: Transport;
  readonly topics: ServedTopics | undefined;
  readonly close: () => Promise<void>;
}

/** Undefined where no log is needed. */
async function topicsOf(
  { produceTopics, consumeTopics, via }: Partial<Readonly<Record<'produceTopics' | 'consumeTopics' | 'via', string | undefined>>>,
  context: CliContext,
): Promise<OpenedTopics | undefined> {
  const areServed = produceTopics !== undefined || consumeTopics !== undefined;
  if (!areServed && via === undefined) return undefined;
  requireKafka('serve', context.settings);
  const { transport, close } = await context.openTransport();
  const topics = areServed ? { transport, produce: listed(produceTopics), consume: listed(consumeTopics) } : undefined;
  return { transport, topics, close };
}

const listed = (names = ''): readonly string[] =>
  names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const numbersOf = ({ maxWaiting, maxTokens }: Given): { readonly maxWaiting?: number; readonly maxTokens?: number } => ({
  ...(maxWaiting === undefined ? {} : { maxWaiting }),
  ...(maxTokens === undefined ? {} : { maxTokens }),
});

/** @throws OptionError that never shows a key. */
async function keysOf(file: string | undefined): Promise<readonly ServiceKey[]> {
  const { [keyVariable]: one } = process.env;
  if (file === undefined) return one === undefined || one === '' ? [] : [{ name: 'key', key: one }];
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new OptionError(`cannot read the keys of --key-file ${file}: ${messageOf(error)}`, { cause: error });
  }
  return parseKeys(text);
}
