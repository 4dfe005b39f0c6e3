import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import recorded from './karapace-6.2.0.json' with { type: 'json' };
import { askRegistry, type Exchange } from '../../helpers/registry-exchanges.ts';
import { registryServer } from '../../helpers/registry-server.ts';

const { TEST_SCHEMA_REGISTRY } = process.env;

const schema = (id: number): object => ({ id, references: [], schema: expect.any(String) as string });
const expected = {
  'look up before': 'schema_not_found',
  'check before': { isCompatible: true },
  'level before': 'BACKWARD',
  'latest before': 'schema_not_found',
  register: schema(1),
  'register again': schema(1),
  'look up': { ...schema(1), version: 1 },
  'look up another': 'schema_not_found',
  'check a good one': { isCompatible: true },
  'check a bad one': { isCompatible: false, messages: [expect.stringContaining('n')] },
  'register a bad one': 'schema_incompatible',
  'register a good one': schema(2),
  latest: { ...schema(2), version: 2, schemaType: 'AVRO' },
  'no such version': 'schema_not_found',
  'by id': schema(1),
  'no such id': 'schema_not_found',
  level: 'BACKWARD',
  'no schema': 'registry_failed',
  'JSON Schema': schema(3),
  'JSON Schema by id': { ...schema(3), schemaType: 'JSON' },
  references: { id: 4 },
  'references by id': { id: 4, references: [{ name: 'Order', subject: 'orders/a b%ü', version: 1 }] },
  'a plain type': schema(5),
  'a plain type by id': { ...schema(5), schema: '"string"' },
};

it('understands what Karapace said, and asks it nothing else', async () => {
  const exchanges: readonly Exchange[] = recorded;
  let nth = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const next = exchanges[nth++];
      const asked = `${request.method ?? ''} ${request.url ?? ''} ${Buffer.concat(parts).toString()}`;
      if (next && asked === `${next.method} ${next.path} ${next.body}`)
        response.writeHead(next.status, { 'content-type': next.type }).end(next.answer);
      else response.writeHead(400).end(`{"message":"not recorded: ${asked}"}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await askRegistry(`http://127.0.0.1:${String(port)}`)).toMatchObject(expected);
  expect(nth).toBe(exchanges.length);
  server.closeAllConnections();
  server.close();
});

it('is told the same by the server of these tests', async () => {
  const server = await registryServer();
  expect(await askRegistry(server.url)).toMatchObject(expected);
  await server.close();
});

it.skipIf(TEST_SCHEMA_REGISTRY === undefined)('is told the same by an empty registry at TEST_SCHEMA_REGISTRY', async () => {
  expect(await askRegistry(TEST_SCHEMA_REGISTRY ?? '')).toMatchObject(expected);
});
