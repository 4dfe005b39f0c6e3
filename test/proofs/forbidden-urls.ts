import { createServer, type Server } from 'node:net';
import { whyForbidden } from '../../src/tools/internal/web/address-policy.ts';
import { visitTool } from '../../src/tools/internal/visit-tool.ts';
import { runTool } from '../../src/tools/tool.ts';
import { isStreamError, messageOf } from '../../src/errors.ts';
import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import { type ForbiddenUrl, forbiddenUrls, judgedNetwork, publicAddresses, reached } from './forbidden-urls/forbidden-urls.ts';

export const name = 'forbidden-urls';
export const summary =
  'URLs that web_visit must not read with every public host allowed, by what stands in them and by what their names resolve to; seconds';

export async function run({ say, signal }: ExperimentContext): Promise<ExperimentResult> {
  let knocks = 0;
  const listeners = await Promise.all(['127.0.0.1', '::1'].map((host) => listening(host, () => (knocks += 1))));
  const ports = [80, 443, ...listeners.map(([, port]) => port)];
  const web = { allow: ['*'], ports, timeoutMs: 5_000, maxBytes: 1_000, userAgent: 'millrace' };
  const refused: string[] = [];
  const read: string[] = [];
  const here: readonly ForbiddenUrl[] = listeners.map(([, port]) => ({
    url: `http://here.example.org:${String(port)}/`,
    addresses: ['127.0.0.1', '::1'],
  }));
  for (const { url, addresses } of [...forbiddenUrls, ...here]) {
    signal.throwIfAborted();
    const failure = await runTool(visitTool({ corpus: undefined, web, pageChars: 8_000 }, judgedNetwork(addresses)), { url }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const isRefused = isStreamError(failure) && failure.code === 'tool_refused' && !failure.message.includes(reached);
    (isRefused ? refused : read).push(url);
    if (!isRefused) say(`${url} ${(addresses ?? []).join(' ')}: ${messageOf(failure)}`);
  }
  for (const [server] of listeners) server.close();
  const wrong = publicAddresses.filter((address) => whyForbidden(address) !== undefined);
  const measured = [
    {
      what: 'forbidden URLs refused',
      measured: `${String(refused.length)} of ${String(refused.length + read.length)}`,
      passes: 'all, at least 40',
      pass: read.length === 0 && refused.length >= 40,
    },
    { what: 'connections to this machine', measured: String(knocks), passes: '0', pass: knocks === 0 },
    {
      what: 'public addresses that are held for forbidden',
      measured: `${String(wrong.length)} of ${String(publicAddresses.length)}`,
      passes: '0',
      pass: wrong.length === 0,
    },
  ];
  return { measured, pass: measured.every(({ pass }) => pass) };
}

async function listening(host: string, onKnock: () => void): Promise<readonly [Server, number]> {
  const server = createServer(onKnock);
  await new Promise<void>((resolve) => {
    server.once('error', () => resolve()).listen(0, host, () => resolve()); // there may be no IPv6
  });
  const address = server.address();
  return [server, typeof address === 'object' ? (address?.port ?? 0) : 0];
}
