/** One server-sent event. */
export interface SentEvent {
  /** `message` where the server named none. */
  readonly event: string;
  readonly data: string;
}

/** Far above any token's event; what is longer has lost its line breaks. */
const mostCharacters = 2 ** 20;

/**
 * Server-sent events out of text that comes in pieces, cut anywhere; by the HTML standard: LF, CR or CRLF end a line, a blank line ends an event, comments and unknown fields mean nothing.
 * Holds one event, of 1 MiB at most.
 */
export class EventReader {
  #line = '';
  #event = '';
  #data: string[] = [];
  #held = 0;
  #isBehindCr = false;
  #isFirst = true;

  /** The events that are whole with this piece. @throws RangeError for one that is too long */
  push(piece: string): readonly SentEvent[] {
    let text = piece;
    if (this.#isFirst && text !== '') {
      if (text.startsWith('\ufeff')) text = text.slice(1);
      this.#isFirst = false;
    }
    if (this.#isBehindCr && text.startsWith('\n')) text = text.slice(1);
    if (piece !== '') this.#isBehindCr = piece.endsWith('\r');
    const found: SentEvent[] = [];
    const lines = text.split(/\r\n|\n|\r/);
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const ended = this.#take(this.#line + line);
      this.#line = '';
      if (ended) found.push(ended);
    }
    this.#line += rest;
    this.#bounded(this.#line.length);
    return found;
  }

  /** What the stream ended within: the standard drops it, and so a last event without its blank line would be lost. */
  end(): SentEvent | undefined {
    if (this.#line !== '') this.#take(this.#line);
    this.#line = '';
    return this.#take('');
  }

  #take(line: string): SentEvent | undefined {
    if (line === '') {
      const [event, data] = [this.#event, this.#data];
      this.#event = '';
      this.#data = [];
      this.#held = 0;
      return data.length === 0 ? undefined : { event: event === '' ? 'message' : event, data: data.join('\n') };
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'event') this.#event = value;
    if (name !== 'data') return undefined;
    this.#data.push(value);
    this.#held += value.length + 1;
    this.#bounded(0);
    return undefined;
  }

  #bounded(more: number): void {
    if (this.#held + more > mostCharacters) throw new RangeError(`expected events of at most ${String(mostCharacters)} characters`);
  }
}
