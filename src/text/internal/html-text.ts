import type { TokenizerCallbacks } from 'htmlparser2';
import { PageWriter } from './page-writer.ts';
import type { ReadText } from './read-text.ts';

const tags = (names: string): ReadonlySet<string> => new Set(names.split(' '));
/** Not for readers: programs, looks, drawings, ways through the site. */
const left = tags('script style template noscript svg math iframe object canvas audio video nav select');
const paragraphs = tags('p h1 h2 h3 h4 h5 h6 table blockquote pre article section figure dl form fieldset hr');
const lines = tags(
  'div header footer main aside address figcaption dt dd br caption thead tbody tfoot legend title body option details summary center',
);

/** The tokens of HTML as text. It keeps no tree, so depth costs nothing: what is open is counted. */
class HtmlReader implements TokenizerCallbacks {
  readonly #html: string;
  readonly #keep: ReadonlySet<string>;
  readonly page = new PageWriter();
  readonly title = new PageWriter();
  #tag = '';
  #leaving: string | undefined;
  #depth = 0;
  #pres = 0;
  #isTitle = false;
  #attribute = '';
  #alt = '';
  #seen = 0;
  #openComment = 0;

  constructor(html: string, keep: ReadonlySet<string>) {
    this.#html = html;
    this.#keep = keep;
  }

  /** What a tag that was never closed left out up to the end. */
  get unclosed(): string | undefined {
    return this.#leaving;
  }

  /** Units at the end that were swallowed by a tag or comment that does not end. */
  get lost(): number {
    return Math.max(this.#html.length - this.#seen, this.#openComment);
  }

  ontext(start: number, end: number): void {
    this.#seen = end;
    if (this.#leaving === undefined) this.#text(this.#html.slice(start, end));
  }

  ontextentity(codePoint: number, end: number): void {
    this.#seen = end;
    if (this.#leaving === undefined) this.#text(String.fromCodePoint(codePoint));
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, Math.min(end, start + 32)).toLowerCase();
    this.#alt = '';
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#tag === 'img' ? this.#html.slice(start, Math.min(end, start + 8)).toLowerCase() : '';
  }

  onattribdata(start: number, end: number): void {
    if (this.#attribute === 'alt') this.#alt += this.#html.slice(start, end);
  }

  onattribentity(codePoint: number): void {
    if (this.#attribute === 'alt') this.#alt += String.fromCodePoint(codePoint);
  }

  onattribend(): void {
    this.#attribute = '';
  }

  onopentagend(end: number): void {
    this.#seen = end + 1;
    this.#open(this.#tag);
  }

  onselfclosingtag(end: number): void {
    this.#seen = end + 1;
    if (!left.has(this.#tag)) this.#open(this.#tag);
  }

  onclosetag(start: number, end: number): void {
    this.#seen = end + 1;
    this.#close(this.#html.slice(start, Math.min(end, start + 32)).toLowerCase());
  }

  oncomment(start: number, end: number, endOffset: number): void {
    this.#seen = end + 1;
    if (endOffset === 0 && end >= this.#html.length) this.#openComment = end - start;
  }

  oncdata(_start: number, end: number): void {
    this.#seen = end + 1;
  }

  ondeclaration(_start: number, end: number): void {
    this.#seen = end + 1;
  }

  onprocessinginstruction(_start: number, end: number): void {
    this.#seen = end + 1;
  }

  onend(): void {
    this.page.end(1);
  }

  #text(text: string): void {
    if (this.#isTitle) this.title.text(text, false);
    else this.page.text(text, this.#pres > 0);
  }

  #open(tag: string): void {
    if (this.#leaving !== undefined) {
      if (tag === this.#leaving) this.#depth += 1;
      return;
    }
    if (left.has(tag) && !this.#keep.has(tag)) {
      this.#leaving = tag;
      this.#depth = 1;
    } else if (tag === 'title') this.#isTitle = true;
    else if (tag === 'ul' || tag === 'ol') this.page.openList(tag === 'ol');
    else if (tag === 'li') this.page.item();
    else if (tag === 'tr') this.page.row();
    else if (tag === 'td' || tag === 'th') this.page.cell();
    else if (tag === 'img') this.page.text(this.#alt, false);
    else this.#block(tag);
    if (tag === 'pre') this.#pres += 1;
  }

  #close(tag: string): void {
    if (this.#leaving !== undefined) {
      if (tag !== this.#leaving) return;
      this.#depth -= 1;
      if (this.#depth === 0) this.#leaving = undefined;
    } else if (tag === 'title') this.#isTitle = false;
    else if (tag === 'ul' || tag === 'ol') this.page.closeList();
    else if (tag === 'li' || tag === 'tr') this.page.end(1);
    else this.#block(tag);
    if (tag === 'pre') this.#pres = Math.max(0, this.#pres - 1);
  }

  #block(tag: string): void {
    if (paragraphs.has(tag)) this.page.end(2);
    else if (lines.has(tag)) this.page.end(1);
  }
}

const pieceUnits = 256 * 1024;

/**
 * The text of a page without scripts, styles, drawings and navigation: a line for each block, `- ` and `1. ` before items, ` | ` between cells, the other text of pictures. Malformed HTML is read as
 * browsers do, as far as text goes. In time that grows with the page, whatever is in it; `rest` is called between pieces of 256 KiB.
 */
export async function htmlText(html: string, rest: () => Promise<void>): Promise<ReadText> {
  const { Tokenizer } = await import('htmlparser2');
  const read = async (keep: ReadonlySet<string>): Promise<HtmlReader> => {
    const reader = new HtmlReader(html, keep);
    const tokenizer = new Tokenizer({ decodeEntities: true }, reader);
    for (let at = 0; at < html.length; at += pieceUnits) {
      tokenizer.write(html.slice(at, at + pieceUnits));
      await rest();
    }
    tokenizer.end();
    return reader;
  };
  let reader = await read(new Set());
  // a tag that nobody closes must not cost the rest of the page
  if (reader.unclosed !== undefined) reader = await read(left);
  const title = reader.title.toString();
  const warnings =
    reader.lost > 0 ? [`the last ${String(reader.lost)} characters are within a comment or tag that does not end; they are left out`] : [];
  return { text: reader.page.toString(), ...(title === '' ? {} : { title }), warnings };
}
