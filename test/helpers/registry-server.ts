import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isStreamError, messageOf } from '../../src/errors.ts';
import { type MemoryRegistry, memoryRegistry } from '../../src/codec/memory-registry.ts';
import type { SchemaText, SubjectSchema } from '../../src/codec/schema-registry.ts';
import { listening } from './listening.ts';

export interface RegistryQuestion {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface RegistryServerOptions {
  /** What the server answers instead; true: nothing more is to be done. */
  readonly fault?: (question: RegistryQuestion, response: ServerResponse, nth: number) => boolean;
  /** Before all paths. */
  readonly prefix?: string;
  readonly authorization?: string;
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
}

export interface RegistryServer {
  readonly url: string;
  readonly schemas: MemoryRegistry;
  readonly questions: RegistryQuestion[];
  close(): Promise<void>;
}

const type = 'application/vnd.schemaregistry.v1+json';

/** A registry over HTTP that takes nothing but what Confluent's contract has, and answers as Karapace 6 and Confluent 8 do. */
export async function registryServer(options: RegistryServerOptions = {}): Promise<RegistryServer> {
  const schemas = memoryRegistry();
  const questions: RegistryQuestion[] = [];
  const listener: RequestListener = (request, response) => {
    void bodyOf(request).then(async (body) => {
      const question = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      questions.push(question);
      if (options.fault?.(question, response, questions.length) === true) return;
      const { status, answer } = await answered(schemas, question, options);
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(answer));
    });
  };
  const server = options.tls
    ? createTlsServer({ ...options.tls, requestCert: options.tls.ca !== undefined }, listener)
    : createServer(listener);
  const { host, close } = await listening(server);
  return { url: `${options.tls ? 'https' : 'http'}://${host}${options.prefix ?? ''}`, schemas, questions, close };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

interface Answer {
  readonly status: number;
  readonly answer: unknown;
}

const refused = (status: number, error_code: number, message: string): Answer => ({ status, answer: { error_code, message } });

async function answered(
  schemas: MemoryRegistry,
  question: RegistryQuestion,
  { prefix = '', authorization }: RegistryServerOptions,
): Promise<Answer> {
  const { headers, path } = question;
  if (authorization !== undefined && headers['authorization'] !== authorization) return refused(401, 40101, 'Unauthorized');
  if (headers['accept']?.includes(type) !== true) return refused(406, 406, 'HTTP 406 Not Acceptable');
  if (!path.startsWith(`${prefix}/`)) return refused(404, 404, 'HTTP 404 Not Found');
  const url = new URL(`http://x${path.slice(prefix.length)}`);
  try {
    const answer = await route(schemas, question, url);
    return answer === undefined ? refused(404, 404, 'HTTP 404 Not Found') : { status: 200, answer };
  } catch (error) {
    return failed(error, url);
  }
}

function failed(error: unknown, url: URL): Answer {
  const code = isStreamError(error) ? error.code : undefined;
  if (code === 'schema_not_found') {
    if (messageOf(error).includes('subject') && !messageOf(error).includes('schema in')) return refused(404, 40401, 'Subject not found.');
    return refused(404, 40403, 'Schema not found');
  }
  if (code === 'schema_incompatible') return refused(409, 409, messageOf(error));
  if (code === 'registry_unavailable') return refused(503, 50302, 'away');
  return refused(422, 42201, `Invalid schema: ${messageOf(error)} ${url.pathname}`);
}

async function route(schemas: MemoryRegistry, { method, headers, body }: RegistryQuestion, url: URL): Promise<unknown> {
  const [first, second, third, fourth, fifth] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const asked = method === 'POST' ? schemaIn(body, headers['content-type']) : undefined;
  if (method === 'GET' && first === 'schemas' && second === 'ids' && fourth === undefined) {
    const { schema, schemaType, references } = await schemas.schemaById(Number(third));
    return told({ schema, schemaType, references });
  }
  if (method === 'GET' && first === 'config') return { compatibilityLevel: await schemas.compatibility(second ?? '*') };
  if (method === 'GET' && first === 'subjects' && third === 'versions')
    return told(await schemas.bySubject(second ?? '', fourth === 'latest' ? fourth : Number(fourth)));
  if (!asked) return undefined;
  if (first === 'subjects' && third === undefined) return told(await schemas.lookup(second ?? '', asked));
  if (first === 'subjects' && third === 'versions') return { id: (await schemas.register(second ?? '', asked)).id };
  if (first === 'compatibility' && second === 'subjects' && fourth === 'versions' && fifth === 'latest') {
    await schemas.bySubject(third ?? '', 'latest');
    const { isCompatible, messages } = await schemas.check(third ?? '', asked);
    return { is_compatible: isCompatible, ...(!isCompatible && { messages }) };
  }
  return undefined;
}

/** The type of an Avro schema, and an empty list of references, are left out. */
const told = ({ schemaType, references, ...rest }: Partial<SubjectSchema> & Required<SchemaText>): object => ({
  ...rest,
  ...(schemaType !== 'AVRO' && { schemaType }),
  ...(references.length > 0 && { references }),
});

function schemaIn(body: string, contentType: unknown): SchemaText {
  if (contentType !== type) throw new Error(`content type ${String(contentType)}`);
  const value = JSON.parse(body) as SchemaText;
  if (typeof value.schema !== 'string') throw new Error('schema is no string');
  return value;
}
