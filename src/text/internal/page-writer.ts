interface List {
  /** The number of the next item; 0 for a list of dots. */
  next: number;
}

const mostPieces = 8_192;
const mostLists = 100; // deeper ones are flat

/** Text as it comes out of a page: white space as one space, blocks on lines of their own, lists and tables as people write them in plain text. */
export class PageWriter {
  #pieces: string[] = [];
  readonly #joined: string[] = []; // a word costs six times its length while it is a piece
  readonly #lists: List[] = [];
  #ends = 0; // line ends that are due before the next text
  #isSpaceDue = false;
  #isCellDue = false;
  #isEmpty = true;

  text(text: string, isVerbatim: boolean): void {
    if (isVerbatim) this.#verbatim(text);
    else {
      const words = text.split(/[ \t\n\f\r]+/);
      words.forEach((word, index) => {
        if (index > 0) this.#isSpaceDue = true;
        if (word !== '') this.#write(word);
      });
    }
  }

  /** A line ends; with 2 an empty one follows. */
  end(ends: 1 | 2): void {
    this.#ends = Math.max(this.#ends, ends);
    this.#isSpaceDue = false;
  }

  openList(isOrdered: boolean): void {
    this.end(this.#lists.length === 0 ? 2 : 1);
    this.#lists.push({ next: isOrdered ? 1 : 0 });
  }

  closeList(): void {
    this.#lists.pop();
    this.end(this.#lists.length === 0 ? 2 : 1);
  }

  item(): void {
    this.end(1);
    const list = this.#lists.at(-1);
    const indent = '  '.repeat(Math.max(0, Math.min(this.#lists.length, mostLists) - 1));
    this.#write(`${indent}${list === undefined || list.next === 0 ? '-' : `${String(list.next)}.`}`);
    if (list !== undefined && list.next > 0) list.next += 1;
    this.#isSpaceDue = true;
  }

  row(): void {
    this.end(1);
    this.#isCellDue = false;
  }

  cell(): void {
    if (this.#isCellDue) this.#write(' |');
    if (this.#isCellDue) this.#isSpaceDue = true;
    this.#isCellDue = true;
  }

  toString(): string {
    return this.#joined.join('') + this.#pieces.join('');
  }

  #verbatim(text: string): void {
    const lines = text.split(/\r\n?|\n/);
    lines.forEach((line, index) => {
      if (index > 0) this.#ends = this.#isEmpty ? 0 : this.#ends + 1;
      if (line !== '') this.#write(line);
    });
  }

  #write(text: string): void {
    if (!this.#isEmpty && this.#ends > 0) this.#pieces.push('\n'.repeat(this.#ends));
    else if (!this.#isEmpty && this.#isSpaceDue) this.#pieces.push(' ');
    this.#pieces.push(text);
    if (this.#pieces.length >= mostPieces) {
      this.#joined.push(this.#pieces.join(''));
      this.#pieces = [];
    }
    this.#ends = 0;
    this.#isSpaceDue = false;
    this.#isEmpty = false;
  }
}
