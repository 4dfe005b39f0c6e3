import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf, OptionError } from '../errors.ts';
import { writableFolder } from '../writable-folder.ts';
import { writeWhole } from '../write-whole.ts';
import { loadPage } from './load-page.ts';
import type { LoadReport } from './load-report.ts';

/** Where a report goes: into a folder as `load.json` and `load.html`, or to a file that ends in `.json`, with the page beside it. */
function placesOf(out: string): { readonly json: string; readonly html: string } {
  return out.endsWith('.json')
    ? { json: out, html: out.replace(/\.json$/, '.html') }
    : { json: join(out, 'load.json'), html: join(out, 'load.html') };
}

/**
 * Makes the folder of a report where it is missing: a place that cannot be written is told before a run, and not after an hour of it.
 * @throws OptionError with what the system says.
 */
export const requirePlace = (out: string): Promise<void> => writableFolder(dirname(placesOf(out).json));

/** The files are whole, or as they were before. */
export async function writeLoad(out: string, report: LoadReport): Promise<{ readonly json: string; readonly html: string }> {
  const places = placesOf(out);
  await requirePlace(out); // it may be gone by now
  await writeWhole(places.json, [`${JSON.stringify(report)}\n`]);
  await writeWhole(places.html, [loadPage(report)]);
  return places;
}

const count = z.int().min(0);
const amount = z.number().min(0);
const spread = z.object({ p50: amount, p90: amount }).optional();
const sample = z.object({ stride: z.int().min(1), values: z.array(amount) });

/** What of a report is compared: files come from anywhere, and may have been edited. */
const compared = z.object({
  isComplete: z.boolean(),
  target: z.object({ url: z.string(), kind: z.string(), model: z.string().optional() }),
  plan: z.record(z.string(), z.string()),
  atOnce: z.int().min(1),
  tasks: z.object({ completed: count, failed: count }),
  tasksPerSecond: amount,
  tokens: z.object({ perSecond: amount }),
  ...{ firstTokenMs: spread, perTokenMs: spread, latencyMs: spread },
  series: z.object({ widthMs: z.number().positive(), stretches: z.array(z.object({ completed: count, tokens: amount })) }),
  samples: z.object({ firstTokenMs: sample, perTokenMs: sample, latencyMs: sample }),
});

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
  const { error } = compared.safeParse(found);
  const [first] = error?.issues ?? [];
  if (first) throw new OptionError(`${path} is not as millrace load --out wrote it: ${first.path.join('.')}: ${first.message}`);
  return found as LoadReport;
}
