import { extname } from 'node:path';

export const mediaTypes = ['text/plain', 'text/markdown', 'text/html', 'application/pdf'] as const;
export type DocumentMediaType = (typeof mediaTypes)[number];

const byExtension: Readonly<Record<string, DocumentMediaType>> = {
  ...{ '.md': 'text/markdown', '.markdown': 'text/markdown', '.mdown': 'text/markdown' },
  ...{ '.html': 'text/html', '.htm': 'text/html', '.xhtml': 'text/html', '.pdf': 'application/pdf' },
};

/** What a name, or a media type of a server (`text/html; charset=utf-8`), says; `undefined`: nothing that is known here. */
export function saidMediaType(name: string | undefined, mediaType: string | undefined): DocumentMediaType | undefined {
  const said = mediaType?.split(';')[0]?.trim().toLowerCase();
  if (said === 'application/xhtml+xml') return 'text/html';
  return (
    mediaTypes.find((one) => one === said) ??
    (name === undefined ? undefined : byExtension[extname(name.replace(/\.gz$/i, '')).toLowerCase()])
  );
}

export const looksLikePdf = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).includes('%PDF-');

export const looksLikeHtml = (text: string): boolean =>
  /^\s{0,200}(?:<!--[^]{0,500}?-->\s{0,200}|<\?xml[^>]{0,200}>\s{0,200})?(?:<!doctype html|<html[\s>])/i.test(text.slice(0, 2_000));
