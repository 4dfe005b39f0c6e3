import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StreamInternals } from '../../../src/transport/kafka/connection-patch.ts';
import { loadKafkaJs } from '../../../src/transport/kafka/kafkajs.ts';
import { until } from '../../integration/member.ts';

loadKafkaJs();
const nothing = (): void => undefined;
const Connection = createRequire(import.meta.url)('kafkajs/src/network/connection') as new (
  options: object,
) => StreamInternals & {
  disconnect(): Promise<void>;
};

let server: Server;
const peers: Socket[] = [];
beforeAll(async () => {
  server = createServer((peer) => peers.push(peer.on('error', nothing)));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterAll(() => {
  for (const peer of peers) peer.destroy();
  server.close();
});

async function connected(): Promise<InstanceType<typeof Connection>> {
  const { port } = server.address() as AddressInfo;
  const connection = new Connection({
    ...{ host: '127.0.0.1', port, connectionTimeout: 1_000, requestTimeout: 1_000 },
    socketFactory: (at: { readonly host: string; readonly port: number; readonly onConnect: () => void }) =>
      connect({ host: at.host, port: at.port }, at.onConnect),
    logger: { namespace: () => ({ debug: nothing, error: nothing }) },
    instrumentationEmitter: { emit: nothing },
  });
  const before = peers.length;
  await connection.connect();
  await until('the server has it', () => peers.length > before);
  return connection;
}

it('a connection begins with nothing of an answer that the one before was cut in', async () => {
  const connection = await connected();
  peers.at(-1)?.write(Buffer.from([0, 0, 0, 100, 1, 2, 3]));
  await until('a part is there', () => connection.bytesBuffered === 7);
  peers.at(-1)?.destroy();
  await until('it is cut', () => !connection.isConnected());
  await connection.connect();
  expect([connection.chunks, connection.bytesBuffered, connection.bytesNeeded]).toEqual([[], 0, 4]);
  await connection.disconnect();
});

it('an answer that cannot be read ends its connection, and nothing else', async () => {
  const connection = await connected();
  peers.at(-1)?.write(Buffer.from([0, 0, 0, 1, 9])); // too short to say what it answers
  await until('it is broken off', () => !connection.isConnected());
  await connection.connect();
  expect(connection.isConnected()).toBe(true);
  await connection.disconnect();
});
