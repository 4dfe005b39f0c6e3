import { type OptionNames, requireOptions } from '../check-options.ts';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { DocumentError, isStreamError, messageOf, OptionError, requireInteger, requireText } from '../errors.ts';
import type { DocumentContent, DocumentSource } from '../text/document-source.ts';
import { normaliseText } from '../text/normalise-text.ts';
import type { CorpusPage } from './corpus-page.ts';
import { pageIndex } from './internal/corpus/page-index.ts';
import type { SearchHit } from './search-hit.ts';

export interface LocalCorpusOptions {
  /** Stands in the URLs of pages that have none of their own: `corpus://NAME/ID`. Lower-case letters, digits and `-`. @defaultValue local */
  readonly name?: string | undefined;
  /** More documents than that are refused. @defaultValue 100,000 */
  readonly maxDocuments?: number | undefined;
  /** Characters of all documents together; more are refused. Index and texts take ten to thirteen bytes for each, three times that while they are built. @defaultValue 67,108,864 (64 Mi) */
  readonly maxChars?: number | undefined;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

/** A kept library: pages that can be searched and read without a network. */
export interface Corpus {
  readonly name: string;
  /** Pages that can be found. */
  readonly size: number;
  /** Documents that could not be read, and why the first 20 could not. */
  readonly unreadable: { readonly count: number; readonly first: readonly string[] };
  /** The best pages first, `topK` at most; none where no word occurs. */
  search(query: string, topK: number): readonly SearchHit[];
  page(url: string): CorpusPage | undefined;
}

const names: OptionNames<LocalCorpusOptions> = { name: true, maxDocuments: true, maxChars: true, clock: true };
const nameForm = /^[a-z0-9][a-z0-9-]{0,62}$/;
const mostReasons = 20;
const longestTitle = 200;
/** The index has the event loop that long before others have their turn. */
const mostTurnMs = 50;

/**
 * A library of documents with a full-text index: the files of a folder, a file, or the rows of JSONL, CSV or Parquet, as `documentsIn` reads them. The default of `web_search` and `web_visit`, since it needs no network
 * and answers alike on each run.
 *
 * A row's `url`, `title` and `id` are its page's where they are texts; else the URL is `corpus://NAME/PATH`, the same in every run, and the title the document's own, or its file's name. A URL that was there before is not
 * used twice. What cannot be read is left out and counted.
 *
 * Holds all texts and the index, up to `maxDocuments` and `maxChars`; nothing of it is written.
 * @throws OptionError for options outside their ranges, for more than they allow, and where there is nothing that can be read.
 */
export async function localCorpus(input: string, options: LocalCorpusOptions = {}): Promise<Corpus> {
  requireOptions('localCorpus', options, names);
  const { name = 'local', maxDocuments = 100_000, maxChars = 64 * 1024 * 1024, clock = systemClock } = options;
  requireText('localCorpus.input', input);
  if (typeof name !== 'string' || !nameForm.test(name)) {
    throw new OptionError(`localCorpus.name must be 1 to 63 lower-case letters, digits or '-', got ${JSON.stringify(name)}`);
  }
  requireInteger('localCorpus.maxDocuments', maxDocuments, 1);
  requireInteger('localCorpus.maxChars', maxChars, 1);
  const index = await pageIndex();
  const pages = new Map<string, CorpusPage>();
  const reasons: string[] = [];
  let [chars, unreadable, turnMs] = [0, 0, clock.nowMs()];
  const { documentsIn } = await import('../text/documents-in.ts'); // not loaded where no library is asked for
  for await (const source of documentsIn(input, { clock })) {
    const page = await readPage(source, name, pages, clock).catch((error: unknown) => reasonOf(source, error));
    if (typeof page === 'string') {
      unreadable += 1;
      if (reasons.length < mostReasons) reasons.push(page);
      continue;
    }
    chars += page.text.length;
    requireRoom(pages.size + 1, maxDocuments, chars, maxChars);
    pages.set(page.url, page);
    index.add(page);
    if (clock.nowMs() - turnMs >= mostTurnMs) {
      await sleep(clock, 0);
      turnMs = clock.nowMs();
    }
  }
  if (pages.size === 0) {
    throw new OptionError(
      `localCorpus.input must hold documents with text, got ${JSON.stringify(input)} with none${reasons[0] === undefined ? '' : `: ${reasons[0]}`}`,
    );
  }
  return {
    name,
    size: pages.size,
    unreadable: { count: unreadable, first: reasons },
    search: (query, topK) => index.find(query, topK),
    page: (url) => pages.get(url.trim()) ?? pages.get(url.trim().replace(/#.*$/s, '')),
  };
}

function requireRoom(documents: number, maxDocuments: number, chars: number, maxChars: number): void {
  if (documents > maxDocuments) throw new OptionError(`localCorpus takes ${String(maxDocuments)} documents, got more; raise maxDocuments`);
  if (chars > maxChars) throw new OptionError(`localCorpus takes ${String(maxChars)} characters in all, got more; raise maxChars`);
}

async function readPage(source: DocumentSource, corpus: string, pages: ReadonlyMap<string, CorpusPage>, clock: Clock): Promise<CorpusPage> {
  const content = await source.read();
  const { readDocument } = await import('../text/read-document.ts');
  const read = 'text' in content ? { text: content.text } : await readDocument(content.bytes, { name: source.name, clock });
  const text = normaliseText(read.text);
  if (text === '') throw new DocumentError('expected text, got none');
  const fields = fieldsOf(content);
  const title = fields.title ?? ('title' in read ? read.title : undefined) ?? source.id;
  const url = [fields.url, fields.id === undefined ? undefined : urlOf(corpus, fields.id), urlOf(corpus, source.id)].find(
    (one) => one !== undefined && !pages.has(one),
  );
  if (url === undefined) throw new DocumentError(`expected a URL of its own, got ${urlOf(corpus, source.id)} for the second time`);
  return { url, title: title.replaceAll(/\s+/g, ' ').trim().slice(0, longestTitle).toWellFormed(), text };
}

function fieldsOf(content: DocumentContent): { readonly url?: string; readonly id?: string; readonly title?: string } {
  if (!('fields' in content)) return {};
  const { url, id, title } = content.fields;
  return {
    ...(typeof url === 'string' && /^[a-z][a-z0-9+.-]*:\/\/[^\s]{1,2000}$/.test(url) && { url }),
    ...(((typeof id === 'string' && id.trim() !== '' && id.length <= 500) || typeof id === 'number') && { id: String(id) }),
    ...(typeof title === 'string' && title.trim() !== '' && { title }),
  };
}

const urlOf = (corpus: string, id: string): string =>
  `corpus://${corpus}/${id.toWellFormed().split('/').map(encodeURIComponent).join('/')}`;

/** What ends the corpus and not only the document is thrown on. */
function reasonOf(source: DocumentSource, error: unknown): string {
  if (isStreamError(error) && error.code !== 'unreadable_document') throw error;
  return `${source.id}: ${messageOf(error)}`;
}
