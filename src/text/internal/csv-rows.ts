import type { DocumentSource } from '../document-source.ts';
import { DocumentError } from '../../errors.ts';
import { type CsvRecord, CsvRecords, delimiterOf } from './csv-records.ts';
import type { RowSettings } from './jsonl-rows.ts';
import { utf8Text } from './byte-stream.ts';
import { rowContent } from './row-content.ts';

export interface CsvSettings extends RowSettings {
  /** @defaultValue found in the first line */
  readonly delimiter: string | undefined;
}

/** Names of columns, each once: `a`, `a_2`, and `column_3` where there is none. */
function columnsOf(header: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return header.map((given, index) => {
    const name = given.trim() === '' ? `column_${String(index + 1)}` : given.trim();
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}_${String(times)}`;
  });
}

/** A document a record of CSV, with the names of its first record. A record that is broken, or has other fields than there are names, is a document that cannot be read. */
export async function* csvRows(source: AsyncIterable<Buffer>, settings: CsvSettings): AsyncGenerator<DocumentSource, undefined> {
  let records: CsvRecords | undefined;
  let columns: readonly string[] | undefined;
  let isDamaged = false;
  for await (const { text, isDamaged: isNow, isEnd } of utf8Text(source)) {
    isDamaged ||= isNow;
    records ??= new CsvRecords(settings.delimiter ?? delimiterOf(text), settings.maxRowBytes);
    let isInRecord = true;
    for (const record of records.push(text, isEnd)) {
      if ('fields' in record && columns === undefined) columns = columnsOf(record.fields);
      else yield sourceOf(isDamaged ? whole(record) : record, columns ?? [], settings);
      isDamaged = isNow;
      isInRecord = !text.endsWith('\n');
    }
    isDamaged &&= isInRecord;
  }
  return undefined;
}

/** A record in whose lines bytes of another encoding were met: text that has lost some of its characters is worse than none. */
function whole(record: CsvRecord): CsvRecord {
  if (!('fields' in record) || !record.fields.some((field) => field.includes('\ufffd'))) return record;
  return {
    line: record.line,
    problem: 'bytes that are not in the encoding that the file begins with (say encoding, if it is another one)',
  };
}

function sourceOf(record: CsvRecord, columns: readonly string[], settings: CsvSettings): DocumentSource {
  const { id, name, textField } = settings;
  const where = `${id}:${String(record.line)}`;
  const read = (): ReturnType<typeof rowContent> => {
    if ('problem' in record)
      throw new DocumentError(`${where}: expected a record of CSV, got ${record.problem}; mend the line, or leave it out`);
    const { fields } = record;
    if (fields.length !== columns.length) {
      throw new DocumentError(
        `${where}: expected ${String(columns.length)} fields as in the header, got ${String(fields.length)}; mend the line, or say the delimiter`,
      );
    }
    return rowContent(Object.fromEntries(columns.map((column, index) => [column, fields[index] ?? ''])), where, textField);
  };
  return { id: where, name, line: record.line, read: () => Promise.resolve().then(read) };
}
