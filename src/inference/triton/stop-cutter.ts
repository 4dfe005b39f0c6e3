/** Cuts an answer before the first of its stop strings, also where that comes in several pieces. Holds back what may be the beginning of one. */
export class StopCutter {
  readonly #stops: readonly string[];
  #held = '';
  isOver = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** What of a piece may be shown. */
  push(piece: string): string {
    const text = this.#held + piece;
    const ends = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (ends.length > 0) {
      this.isOver = true;
      this.#held = '';
      return text.slice(0, Math.min(...ends));
    }
    const kept = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - kept);
    return text.slice(0, text.length - kept);
  }

  /** What was held back, at the end. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** The longest end of `text` that `stop` begins with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length -= 1)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
