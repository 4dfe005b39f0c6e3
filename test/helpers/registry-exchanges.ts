// Asks a real registry, and writes down what was said: node test/helpers/registry-exchanges.ts URL FILE. The registry must be empty.
// karapace-6.2.0.json was made so: Karapace 6.2.0 from its sources on Python 3.12, without its library for Protobuf, before Kafka 4.4.0.
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { registry } from '../../src/codec/registry/registry.ts';
import { isStreamError, messageOf } from '../../src/errors.ts';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly type: string;
  readonly answer: string;
}

const schemaOf = (...fields: readonly string[]): { readonly schema: string } => ({
  schema: `{"type":"record","name":"Order","fields":[${fields.join(',')}]}`,
});
const id = '{"name":"id","type":"string"}';
const [v1, v2, v3] = [schemaOf(id), schemaOf(id, '{"name":"n","type":"int","default":0}'), schemaOf(id, '{"name":"n","type":"int"}')];
const title = { schema: '{"type":"object","title":"T"}', schemaType: 'JSON' } as const;
const subject = 'orders/a b%ü';

/** What a client is told by a registry that was empty, question by question: a value, or a code of ours. */
export async function askRegistry(url: string): Promise<Readonly<Record<string, unknown>>> {
  const client = registry({ url, latestMaxAgeMs: 0 });
  const references = [{ name: 'Order', subject, version: 1 }];
  const questions: Readonly<Record<string, () => Promise<unknown>>> = {
    'look up before': () => client.lookup(subject, v1),
    'check before': () => client.check(subject, v3),
    'level before': () => client.compatibility(subject),
    'latest before': () => client.bySubject(subject, 'latest'),
    register: () => client.register(subject, v1),
    'register again': () => client.register(subject, v1),
    'look up': () => client.lookup(subject, v1),
    'look up another': () => client.lookup(subject, v2),
    'check a good one': () => client.check(subject, v2),
    'check a bad one': () => client.check(subject, v3),
    'register a bad one': () => client.register(subject, v3),
    'register a good one': () => client.register(subject, v2),
    latest: () => client.bySubject(subject, 'latest'),
    'no such version': () => client.bySubject(subject, 9),
    'by id': () => client.schemaById(1),
    'no such id': () => client.schemaById(999_999),
    level: () => client.compatibility(subject),
    'no schema': () => client.register(subject, { schema: '{"type":"nothing"}' }),
    'JSON Schema': () => client.register('json', title),
    'JSON Schema by id': () => client.schemaById(3),
    references: () => client.register('carts', { schema: '{"type":"array","items":"Order"}', references }),
    'references by id': () => client.schemaById(4),
    'a plain type': () => client.register('text', { schema: '"string"' }),
    'a plain type by id': () => client.schemaById(5),
  };
  const told: Record<string, unknown> = {};
  for (const [name, ask] of Object.entries(questions))
    told[name] = await ask().catch((error: unknown) => (isStreamError(error) ? error.code : messageOf(error)));
  return told;
}

async function record(url: string, file: string): Promise<void> {
  const exchanges: Exchange[] = [];
  const proxy = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const [method, path, body] = [request.method ?? '', request.url ?? '', Buffer.concat(parts).toString()];
      const headers = { accept: request.headers.accept ?? '', 'content-type': request.headers['content-type'] ?? '' };
      void fetch(`${url}${path}`, { method, headers, ...(body !== '' && { body }) }).then(async (got) => {
        const [type, answer] = [got.headers.get('content-type') ?? '', await got.text()];
        exchanges.push({ method, path, body, status: got.status, type, answer });
        response.writeHead(got.status, { 'content-type': type }).end(answer);
      });
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  console.log(await askRegistry(`http://127.0.0.1:${String(port)}`));
  await writeFile(file, `${JSON.stringify(exchanges, null, 1)}\n`);
  proxy.close();
  proxy.closeAllConnections();
}

const [url, file] = process.argv.slice(2);
if (import.meta.main && url !== undefined && file !== undefined) await record(url, file);
