import { createHash } from 'node:crypto';
import { bytes } from '../codec/bytes.ts';
import { OverloadError } from '../errors.ts';
import { topic as topicOf } from '../pipeline.ts';
import { textHeader } from '../record/record.ts';
import { connect } from '../runtime/connect.ts';
import { bodyText } from './body-text.ts';
import { callerOf, type FastifyReply, type FastifyRequest, type HttpApp, writeError } from './http-app.ts';
import { OnceByKey } from './once-by-key.ts';
import { apiErrorOf, RequestError } from './openai/api-error.ts';
import type { ResolvedTopics } from './served-topics.ts';
import type { ServiceCore } from './service-core.ts';
import { streamLimits } from './stream-limits.ts';
import { recordsIn } from './topic-records.ts';
import { topicStart } from './topic-start.ts';
import { streamTopic } from './topic-stream.ts';

const mostKeyLength = 256;
const retryReaderMs = 5_000;
const path = '/topics/:topic/records';
const nothing = (): Promise<void> => Promise.resolve();

interface Route {
  readonly Params: { readonly topic: string };
  readonly Querystring: Readonly<Record<string, unknown>>;
}

/** Records of the topics that are allowed, written and read. The result closes what writes. */
export function addTopicRoutes(app: HttpApp, core: ServiceCore): () => Promise<void> {
  const { topics, clock, log } = core.options;
  if (topics === undefined) return nothing;
  const client = connect(topics.transport, { clock, log });
  const once = new OnceByKey(clock);
  let readers = 0;
  void app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers(); // values are passed on as they are written
    scope.addContentTypeParser(['application/json', 'application/x-ndjson'], { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, bodyText(body as Buffer)),
    );
    scope.post<Route>(path, async (request) => {
      const { topic: name } = request.params;
      if (!topics.produce.has(name)) throw notAllowed(name, 'written');
      const { body } = request;
      const records = recordsIn(body, request.headers['content-type'] ?? '');
      const key = idempotencyKeyOf(request);
      const headers = key === undefined ? [] : [textHeader('idempotency-key', key)];
      const target = topicOf(name, bytes(), { key: bytes() });
      const write = async (): Promise<readonly Written[]> => {
        const sent = records.map((record) => ({ ...record, headers: [...record.headers, ...headers] }));
        const positions = await client.produce(target, sent);
        return positions.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
      };
      const { name: caller } = callerOf(request);
      const digest = (): string => createHash('sha256').update(String(body)).digest('base64');
      const written =
        key === undefined ? await write() : await once.do(`${caller} ${name} ${key}`, digest(), write, ({ length }) => length);
      return { topic: name, records: written };
    });
    scope.get<Route>(path, { exposeHeadRoute: false }, async (request, reply) => {
      if (!topics.consume.has(request.params.topic)) throw notAllowed(request.params.topic, 'read');
      if (core.state !== 'running') throw new RequestError('the service is stopping: ask another one', { status: 503, code: 'stopping' });
      if (readers >= topics.maxReaders)
        throw new OverloadError(`topics have ${String(readers)} readers, which is all there is room for`, {
          status: 429,
          retryAfterMs: retryReaderMs,
        });
      readers += 1;
      try {
        return await read(core, topics, request, reply);
      } finally {
        readers -= 1;
      }
    });
    registered();
  });
  return () => client.close();
}

interface Written {
  readonly partition: number;
  readonly offset: string;
}

async function read(
  core: ServiceCore,
  { transport }: ResolvedTopics,
  request: FastifyRequest<Route>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { topic } = request.params;
  const { from = 'latest', key, last_event_id: again = '' } = request.query;
  const lastEventId = request.headers['last-event-id'] ?? again;
  if (typeof from !== 'string' || typeof lastEventId !== 'string' || !(key === undefined || typeof key === 'string'))
    throw new RequestError('from, key and last_event_id may stand in the address once');
  const described = (await transport.describeTopics([topic])).get(topic);
  if (described === undefined) throw new RequestError(`there is no topic ${topic}`, { status: 404, code: 'unknown_topic' });
  const start = topicStart(topic, described, from, lastEventId);
  reply.hijack();
  try {
    const how = await streamTopic(reply.raw, {
      ...{ transport, topic, ...start, stopping: core.exchanges.stopping, limits: streamLimits(core) },
      key: key === undefined ? undefined : Buffer.from(key),
      warn: (why) => core.options.log.warn({ topic }, why),
    });
    if (how === 'slow') core.slowReaders += 1;
  } catch (error) {
    writeError(reply.raw, apiErrorOf(error));
  }
  return reply;
}

const notAllowed = (topic: string, done: string): RequestError =>
  new RequestError(`topic ${JSON.stringify(topic)} may not be ${done} here`, { status: 404, code: 'unknown_topic' });

function idempotencyKeyOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const { 'idempotency-key': key } = headers;
  if (key === undefined || (typeof key === 'string' && key.length >= 1 && key.length <= mostKeyLength)) return key;
  throw new RequestError(`Idempotency-Key must be 1 to ${String(mostKeyLength)} characters`, { param: 'Idempotency-Key' });
}
