import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StrictWindow } from '../../helpers/limit/strict-window.ts';
import { type Item, tokensOf } from './case.ts';

/** Answers 429 to what would pass the limit. */
export class StrictServer {
  readonly window: StrictWindow;
  readonly #server = createServer((incoming, outgoing) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const { id } = JSON.parse(Buffer.concat(pieces).toString()) as Item;
      const usage = tokensOf(id);
      if (!this.window.take(usage.inputTokens + usage.outputTokens, performance.now())) {
        outgoing.writeHead(429).end();
        return;
      }
      setTimeout(() => outgoing.end(JSON.stringify({ id, usage })), 40 + ((id * 104_729) % 200));
    });
  });

  constructor(limit: number, windowMs: number) {
    this.window = new StrictWindow(limit, windowMs);
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}/`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
