import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Item, tokensOf } from './case.ts';

interface Taken {
  readonly atMs: number;
  readonly tokens: number;
}

/** Counts each call's tokens when it arrives, in every window, and answers 429 to what would pass the limit: as a provider does, to the token. */
export class StrictServer {
  refused = 0;
  /** The most that stood in one window. */
  most = 0;
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #taken: Taken[] = [];
  #from = 0;
  #sum = 0;
  readonly #server = createServer((incoming, outgoing) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const { id } = JSON.parse(Buffer.concat(pieces).toString()) as Item;
      const usage = tokensOf(id);
      if (!this.#take(usage.inputTokens + usage.outputTokens)) {
        outgoing.writeHead(429).end();
        return;
      }
      setTimeout(() => outgoing.end(JSON.stringify({ id, usage })), 40 + ((id * 104_729) % 200));
    });
  });

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  get calls(): number {
    return this.#taken.length;
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

  /** What stood in the window, on the average of all moments between these, as a share of the limit; bursts do not matter to it. */
  use(fromMs: number, toMs: number): number {
    let area = 0;
    for (const { atMs, tokens } of this.#taken)
      area += tokens * Math.max(0, Math.min(toMs, atMs + this.#windowMs) - Math.max(fromMs, atMs));
    return area / (this.#limit * (toMs - fromMs));
  }

  #take(tokens: number): boolean {
    const nowMs = performance.now();
    for (let oldest = this.#taken[this.#from]; oldest && oldest.atMs <= nowMs - this.#windowMs; oldest = this.#taken[this.#from]) {
      this.#sum -= oldest.tokens;
      this.#from += 1;
    }
    this.most = Math.max(this.most, this.#sum + tokens);
    if (this.#sum + tokens > this.#limit) {
      this.refused += 1;
      return false;
    }
    this.#sum += tokens;
    this.#taken.push({ atMs: nowMs, tokens });
    return true;
  }
}
