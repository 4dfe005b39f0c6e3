import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { whyForbidden } from '../../src/tools/internal/web/address-policy.ts';
import type { WebNetwork } from '../../src/tools/internal/web/web-network.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A site on this machine that stands for hosts of the web. */
export interface WebSite {
  readonly port: number;
  /** `host path` of each request, in order. */
  readonly asked: string[];
  /** Names resolve to it alone; each other address is judged as on the public network. */
  readonly network: WebNetwork;
  /** How often each name was resolved. */
  readonly resolved: string[];
  close(): Promise<void>;
}

const here = '127.0.0.1';

/** @param pages by `/path`, or `host/path` where hosts differ; what is not there is 404 */
export async function webSite(
  pages: Readonly<Record<string, Handler | string>>,
  resolve: (host: string) => readonly string[] = () => [here],
): Promise<WebSite> {
  const [asked, resolved]: [string[], string[]] = [[], []];
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    const path = request.url ?? '';
    asked.push(`${host} ${path}`);
    const page = pages[host + path] ?? pages[path];
    if (typeof page === 'function') page(request, response);
    else if (page === undefined) response.writeHead(404).end('nothing here');
    else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  });
  await new Promise<void>((done) => server.listen(0, here, done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    resolved,
    network: {
      resolve: (host) => {
        resolved.push(host);
        return Promise.resolve(resolve(host));
      },
      whyForbidden: (address) => (address === here ? undefined : whyForbidden(address)),
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
