import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { documentsIn } from '../../src/text/documents-in.ts';
import { readDocument } from '../../src/text/read-document.ts';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';
import { pdfFile } from '../helpers/pdf-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'millrace-flipped-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** One to eight bytes are others than they were. */
function flipped(bytes: Uint8Array, random: () => number): Buffer {
  const copy = Buffer.from(bytes);
  const upTo = (count: number): number => Math.floor(random() * count);
  for (let left = 1 + upTo(8); left > 0; left -= 1) copy[upTo(copy.length)] = upTo(256);
  return copy;
}

const codeOf = (error: unknown): string => (error as { readonly code?: string }).code ?? String(error);

/** What comes of the documents of a file: `read`, or the code of what is wrong with one. */
async function endsOf(path: string): Promise<readonly string[]> {
  const ends: string[] = [];
  for await (const source of documentsIn(path, { timeoutMs: 5_000 })) ends.push(await source.read().then(() => 'read', codeOf));
  return ends;
}

/** How many there are; more with `FLIPS`, when a reader was changed. */
const flips = (usual: number): number => Number(process.env['FLIPS'] ?? usual);

describe('a file whose bytes were flipped', () => {
  it('of Parquet is read as far as it goes, and the rest is told', { timeout: 600_000 }, async () => {
    const random = seededRandom(7);
    const whole = await readFile(join(import.meta.dirname, 'fixtures/snappy.parquet'));
    const path = join(folder, 'flipped.parquet');
    const seen = new Set<string>();
    for (let left = flips(8); left > 0; left -= 1) {
      await writeFile(path, flipped(whole, random));
      const ends = await endsOf(path);
      expect(ends.length).toBeGreaterThan(0);
      for (const end of ends) seen.add(end);
    }
    expect([...seen].sort()).toEqual(['read', 'unreadable_document']);
  });

  it('of PDF has text, or is told', { timeout: 600_000 }, async () => {
    const random = seededRandom(11);
    const whole = pdfFile({ pages: [['The mill stands by the river'], ['and grinds what farmers bring']], packed: true, title: 'Mills' });
    const seen = new Set<string>();
    for (let left = flips(60); left > 0; left -= 1)
      seen.add(await readDocument(flipped(whole, random), { name: 'a.pdf', timeoutMs: 5_000 }).then(() => 'read', codeOf));
    expect([...seen].sort()).toEqual(['read', 'unreadable_document']);
    expect((await readDocument(whole)).text).toContain('by the river');
  });
});
