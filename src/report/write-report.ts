import { join } from 'node:path';
import { requireObject, requireOptions } from '../check-options.ts';
import { requireText } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { writeWhole } from '../write-whole.ts';
import { reportPage } from './internal/report-page.ts';
import type { RunReport } from './run-report.ts';

/**
 * Writes `report.json` (the report as it is) and `report.html` (one file with plots and tables, which needs neither network nor script) into the folder, which is made where it is
 * missing. Whoever reads them sees the one before or this one, never half of one.
 * @throws OptionError for what is no report; the error of the file system where the folder cannot be written.
 */
export async function writeReport(folder: string, report: RunReport): Promise<void> {
  requireText('writeReport.folder', folder);
  requireOptions('writeReport.report', report, { title: true, noun: true, facts: true, run: true });
  requireText('writeReport.report.title', report.title);
  requireObject('writeReport.report.run', report.run);
  await makeFolder(folder);
  await writeWhole(join(folder, 'report.json'), [`${JSON.stringify(report, undefined, 2)}\n`]);
  await writeWhole(join(folder, 'report.html'), [reportPage(report)]);
}
