import type { ServerResponse } from 'node:http';
import type { CancelTimer, Clock } from '../clock.ts';

export interface EventStreamOptions {
  readonly clock: Clock;
  /** A connection that takes nothing for so long, while something is to be written, is closed. */
  readonly slowReaderMs: number;
  /** A comment is sent when nothing else was for so long: proxies close what is silent. */
  readonly heartbeatMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The connection can take more. */
  readonly onDrain: () => void;
  /** It has ended, or the reader has gone, or was too slow. */
  readonly onClose: (how: 'whole' | 'gone' | 'slow') => void;
}

/** Server-sent events to one reader. Holds what Node's socket buffers: who writes stops when `isFull`. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  #isSlow = false;
  #isClosed = false;
  #cancelSlow: CancelTimer | undefined;
  #cancelHeartbeat: CancelTimer | undefined;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    response.on('drain', () => {
      this.#cancelSlow?.();
      this.#cancelSlow = undefined;
      if (!this.#isClosed) options.onDrain();
    });
    response.once('close', () => this.#closed());
    response.on('error', () => undefined); // 'close' follows
    if (response.closed || response.destroyed) queueMicrotask(() => this.#closed());
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.#response.writableEnded;
  }

  /** Whether nothing should be written before `onDrain`. */
  get isFull(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** Sends the head, so that the reader knows that it will be answered. */
  open(): void {
    if (this.#response.headersSent || !this.isOpen) return;
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no', // nginx would gather the events
      ...this.#options.headers,
    });
    this.#response.flushHeaders();
    this.#beat();
  }

  write(text: string): void {
    if (!this.isOpen) return;
    this.open();
    if (!this.#response.write(text)) this.#watch();
  }

  end(): void {
    if (!this.isOpen) return;
    this.#response.end();
    if (this.#response.writableLength > 0) this.#watch();
  }

  /** What was on the way waits for its reader no longer. */
  destroy(): void {
    this.#response.destroy();
  }

  #watch(): void {
    this.#cancelSlow ??= this.#options.clock.schedule(this.#options.slowReaderMs, () => {
      this.#cancelSlow = undefined;
      if (this.#response.socket === null) {
        this.#watch(); // behind another answer of its connection: nobody could take it yet
        return;
      }
      this.#isSlow = true;
      this.#response.destroy();
    });
  }

  #beat(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#cancelHeartbeat = clock.schedule(heartbeatMs, () => {
      if (!this.isOpen) return;
      if (!this.isFull) this.write(': still there\n\n');
      this.#beat();
    });
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSlow?.();
    this.#cancelHeartbeat?.();
    this.#options.onClose(this.#isSlow ? 'slow' : this.#response.writableFinished ? 'whole' : 'gone');
  }
}

/** An event: its data a line of JSON, or the word given. */
export const eventText = (data: unknown, id?: string, event?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
