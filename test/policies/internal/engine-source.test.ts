import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { engineSource } from '../../../src/policies/internal/engine-source.ts';

it.each(['', '/', '/v1', '/v1/', '/metrics', '/gpu0/v1'])('finds the metrics of a server whose address ends in "%s"', async (path) => {
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end('llamacpp:requests_processing 1\nllamacpp:requests_deferred 2\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}${path}`;
  const { read } = engineSource({ engine: 'llama-server', url });
  await expect(read(new AbortController().signal)).resolves.toEqual({ running: 1, waiting: 2 });
  expect(paths).toEqual([path.startsWith('/gpu0') ? '/gpu0/metrics' : '/metrics']);
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
});
