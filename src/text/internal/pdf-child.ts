import { getDocumentProxy } from 'unpdf';
import { messageOf } from '../../errors.ts';
import type { PdfReply } from './pdf-text.ts';
import type { ReadText } from './read-text.ts';
import { watchReader } from './watch-reader.ts';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

// The process that PDFs are read in: nothing in it is trusted, so no code of the file runs, and nothing is fetched for it.
async function read(bytes: Uint8Array): Promise<PdfReply> {
  const pdf = await getDocumentProxy(bytes, {
    ...{ isEvalSupported: false, disableFontFace: true, useSystemFonts: false, stopAtErrors: false, verbosity: 0 },
    ...{ disableAutoFetch: true, disableStream: true, disableRange: true, enableXfa: false },
  });
  try {
    const read = await textOf(pdf);
    return { kind: 'text', read };
  } finally {
    await pdf.loadingTask.destroy();
  }
}

async function textOf(pdf: Pdf): Promise<ReadText> {
  const pages: string[] = [];
  const warnings: string[] = [];
  for (let number = 1; number <= pdf.numPages; number += 1) {
    try {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      pages.push(items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join(''));
      page.cleanup();
    } catch (error) {
      if (warnings.length < 20) warnings.push(`page ${String(number)} cannot be read (${messageOf(error)})`);
    }
  }
  if (pages.length === 0) throw new Error(warnings[0] ?? 'it has no pages');
  if (pages.every((page) => page.trim() === '')) {
    warnings.push('it has no text: its pages may be pictures of text, for which a reader of pictures is needed');
  }
  const title = await titleOf(pdf);
  return { text: pages.join('\n\n'), ...(title === undefined ? {} : { title }), warnings };
}

async function titleOf(pdf: Pdf): Promise<string | undefined> {
  try {
    const { info } = (await pdf.getMetadata()) as { readonly info: { readonly Title?: unknown } };
    return typeof info.Title === 'string' && info.Title.trim() !== '' ? info.Title.trim() : undefined;
  } catch {
    return undefined;
  }
}

watchReader(Number(process.argv[2]));
process.on('message', (bytes: Uint8Array) => {
  void read(new Uint8Array(bytes)) // no Buffer: pdf.js refuses them
    .catch((error: unknown): PdfReply => ({ kind: 'failed', name: error instanceof Error ? error.name : '', message: messageOf(error) }))
    .then((reply) => process.send?.(reply));
});
