/** A record of a CSV file, or lines that are none. */
export type CsvRecord = { readonly line: number; readonly fields: readonly string[] } | { readonly line: number; readonly problem: string };

const [quote, feed, carriage] = [34, 10, 13];

type Outcome =
  | { readonly kind: 'record'; readonly fields: string[]; readonly end: number }
  | { readonly kind: 'broken'; readonly problem: string }
  | { readonly kind: 'more' };

/**
 * Takes records out of text that comes in pieces (RFC 4180, with any delimiter and line end; quotes within a field that has none around it stay). A record that is broken costs its first line: reading goes on
 * behind that, so that a quote which nobody closes does not take the rest of the file along. Holds the record that is not complete yet, at most `maxUnits`.
 */
export class CsvRecords {
  readonly #delimiter: number;
  readonly #maxUnits: number;
  #text = '';
  #line = 1;
  #enough = 0; // units below which another attempt is useless: a long record is not read anew for each piece
  #again = 0; // units that were read more than once
  #taken = 0;
  #isSkipping = false; // what is left of a line that is too long

  constructor(delimiter: string, maxUnits: number) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#maxUnits = maxUnits;
  }

  /** The records that `text` completes; with `isEnd` all that are left. */
  *push(text: string, isEnd: boolean): Generator<CsvRecord> {
    this.#text += this.#isSkipping ? this.#behindLine(text) : text;
    if (!isEnd && this.#text.length < this.#enough) return;
    let at = 0;
    while (at < this.#text.length) {
      const outcome = this.#record(at, isEnd);
      if (outcome.kind === 'record') {
        const { fields, end } = outcome;
        if (fields.length > 1 || fields[0] !== '') yield { line: this.#line, fields };
        this.#line += linesIn(this.#text, at, end);
        this.#taken += end - at;
        at = end;
      } else if (outcome.kind === 'broken' || this.#text.length - at > this.#maxUnits || isEnd) {
        const end = this.#giveUp(at, isEnd);
        if (end === undefined) break;
        this.#isSkipping = !isEnd && end === this.#text.length && !this.#text.endsWith('\n');
        const problem =
          outcome.kind === 'broken'
            ? outcome.problem
            : isEnd
              ? 'a quote that is never closed'
              : `a record of more than ${String(this.#maxUnits)} characters, or a quote that is never closed`;
        yield { line: this.#line, problem };
        this.#line += linesIn(this.#text, at, end);
        at = end;
      } else break;
    }
    this.#text = this.#text.slice(at);
    this.#enough = Math.min(this.#maxUnits + 1, this.#text.length * 2);
  }

  #behindLine(text: string): string {
    const end = text.indexOf('\n');
    if (end < 0) return '';
    this.#isSkipping = false;
    this.#line += 1;
    return text.slice(end + 1);
  }

  /** Where reading goes on behind a broken record: its next line, unless lines were read over and over; `undefined`: that line has not come yet. */
  #giveUp(at: number, isEnd: boolean): number | undefined {
    const { length } = this.#text;
    const feedAt = this.#text.indexOf('\n', at);
    this.#again += Math.min(length - at, this.#maxUnits);
    if (feedAt < 0) return isEnd || length - at > this.#maxUnits ? length : undefined;
    return this.#again > 4 * this.#taken + 4 * this.#maxUnits ? length : feedAt + 1;
  }

  #record(from: number, isEnd: boolean): Outcome {
    const text = this.#text;
    const fields: string[] = [];
    let at = from;
    for (;;) {
      if (text.charCodeAt(at) === quote) {
        const closed = closingQuote(text, at + 1);
        if (closed < 0 || (closed + 1 >= text.length && !isEnd)) return { kind: 'more' };
        const field = text.slice(at + 1, closed);
        fields.push(field.includes('"') ? field.replaceAll('""', '"') : field);
        at = closed + 1;
        if (at < text.length && !this.#isEndOfField(at))
          return { kind: 'broken', problem: `text behind the closing quote of field ${String(fields.length)}` };
      } else {
        const start = at;
        while (at < text.length && !this.#isEndOfField(at)) at += 1;
        if (at >= text.length && !isEnd) return { kind: 'more' };
        fields.push(text.slice(start, at));
      }
      if (at >= text.length) return { kind: 'record', fields, end: at };
      const unit = text.charCodeAt(at);
      at += 1;
      if (unit === this.#delimiter) continue;
      if (unit === carriage && at >= text.length && !isEnd) return { kind: 'more' };
      return { kind: 'record', fields, end: unit === carriage && text.charCodeAt(at) === feed ? at + 1 : at };
    }
  }

  #isEndOfField(at: number): boolean {
    const unit = this.#text.charCodeAt(at);
    return unit === this.#delimiter || unit === feed || unit === carriage;
  }
}

/** Where the quote stands that closes a field, two in a row being one within it; -1: not in this text. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text.charCodeAt(at + 1) !== quote) return at;
  return -1;
}

function linesIn(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === feed || (unit === carriage && text.charCodeAt(at + 1) !== feed)) lines += 1;
  }
  return lines;
}

/** The likeliest delimiter: the one of which the first line has most, outside of quotes. */
export function delimiterOf(text: string): string {
  const line = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.slice(0, 16_384))?.[0].replaceAll(/"(?:[^"]|"")*"/g, '') ?? '';
  const counts = [',', ';', '\t', '|'].map((one) => ({ one, count: line.split(one).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).one;
}
