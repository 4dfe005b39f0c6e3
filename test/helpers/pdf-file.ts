import { deflateSync } from 'node:zlib';

export interface PdfSpec {
  /** Lines of each page, in Latin letters. */
  readonly pages: readonly (readonly string[])[];
  readonly packed?: boolean;
  readonly title?: string;
}

const escaped = (text: string): string => text.replaceAll(/[\\()]/g, String.raw`\$&`);

/** Objects of a PDF, numbered from 1 on, with what stands around them. */
export function pdfOf(objects: readonly (string | Buffer)[], trailer = ''): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.7\n')];
  const offsets: number[] = [];
  const length = (): number => parts.reduce((sum, part) => sum + part.length, 0);
  objects.forEach((object, index) => {
    offsets.push(length());
    parts.push(Buffer.from(`${String(index + 1)} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n'));
  });
  const start = length();
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = String(objects.length + 1);
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${String(start)}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}

export const streamOf = (bytes: Buffer, dictionary = ''): Buffer =>
  Buffer.concat([Buffer.from(`<< /Length ${String(bytes.length)} ${dictionary} >>\nstream\n`), bytes, Buffer.from('\nendstream')]);

/** A PDF with one font and a text layer. */
export function pdfFile({ pages, packed = false, title }: PdfSpec): Buffer {
  const kids = pages.map((_, index) => `${String(4 + index * 2)} 0 R`).join(' ');
  const objects: (string | Buffer)[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${String(pages.length)} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ];
  for (const [index, lines] of pages.entries()) {
    const content = Buffer.from(`BT /F1 12 Tf 72 720 Td 14 TL ${lines.map((line) => `(${escaped(line)}) Tj T*`).join('\n')} ET`, 'latin1');
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${String(5 + index * 2)} 0 R >>`,
    );
    objects.push(packed ? streamOf(deflateSync(content), '/Filter /FlateDecode') : streamOf(content));
  }
  if (title === undefined) return pdfOf(objects);
  objects.push(`<< /Title (${escaped(title)}) >>`);
  return pdfOf(objects, `/Info ${String(objects.length)} 0 R`);
}
