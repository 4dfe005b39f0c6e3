import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OptionError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { writeWhole } from '../write-whole.ts';
import { loadPage } from './load-page.ts';
import type { LoadReport } from './load-report.ts';

/** Where a report goes: into a folder as `load.json` and `load.html`, or to a file that ends in `.json`, with the page beside it. */
function placesOf(out: string): { readonly json: string; readonly html: string } {
  return out.endsWith('.json')
    ? { json: out, html: out.replace(/\.json$/, '.html') }
    : { json: join(out, 'load.json'), html: join(out, 'load.html') };
}

/** Makes the folder where it is missing; the files are whole, or as they were before. */
export async function writeLoad(out: string, report: LoadReport): Promise<{ readonly json: string; readonly html: string }> {
  const places = placesOf(out);
  await makeFolder(dirname(places.json));
  await writeWhole(places.json, [`${JSON.stringify(report)}\n`]);
  await writeWhole(places.html, [loadPage(report)]);
  return places;
}

/** @throws OptionError for a file or folder that holds no load report. */
export async function readLoad(given: string): Promise<LoadReport> {
  const isFolder = await stat(given).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const path = isFolder ? placesOf(given).json : given;
  let found: unknown;
  try {
    found = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new OptionError(`cannot read a load report from ${path}: ${messageOf(error)}`, { cause: error });
  }
  const { format } = (found ?? {}) as { readonly format?: unknown };
  if (format !== 'millrace-load/1') throw new OptionError(`${path} is no report of millrace load --out: expected format millrace-load/1`);
  return found as LoadReport;
}
