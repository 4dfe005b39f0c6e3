import { openSync, closeSync, writeSync } from 'node:fs';
import { messageOf, OptionError } from '../errors.ts';
import { deadLetterHeaders } from '../flow/dead-letters.ts';
import { headerText } from '../record/record.ts';
import type { CliContext } from './context.ts';
import { toJsonRecord } from '../runtime/json-record.ts';
import { bytesText } from './record-text.ts';
import type { ReadRecord } from '../runtime/topic-reader.ts';

export interface ResultWriter {
  result(record: ReadRecord): Promise<void>;
  deadLetter(record: ReadRecord): void;
  close(): void;
}

/**
 * Writes results to stdout (`-`) or a file, one a line: the value, or the whole record with `--json`. Dead letters are
 * told on stderr (by the log, unless it is turned down), or as `{"deadLetter": …}` lines on stdout.
 * @throws OptionError for a file that cannot be written
 */
export function resultWriter(path: string, { out, settings }: Pick<CliContext, 'out' | 'settings'>): ResultWriter {
  const logTells = !['error', 'silent'].includes(settings.logLevel); // the runtime warns of each failed record
  const file = path === '-' ? undefined : openFile(path);
  const textOf = out.isJson ? toJsonRecord : ({ value }: ReadRecord): string => bytesText(value);
  return {
    result: async (record) => {
      const text = textOf(record);
      if (file !== undefined)
        writeSync(file, `${text}\n`); // waits for the disk, so that nothing piles up
      else if (out.isJson) out.raw(text);
      else out.line(text);
      await out.drained();
    },
    deadLetter: ({ headers }) => {
      const [code, message, topic, partition, offset] = (['code', 'message', 'topic', 'partition', 'offset'] as const).map(
        (name) => headerText(headers, deadLetterHeaders[name]) ?? '?',
      );
      const place = `${String(topic)}/${String(partition)}@${String(offset)}`;
      if (!logTells) out.note(`failed: ${place} ${String(code)}: ${String(message)}`);
      out.json({ deadLetter: { position: place, code, message } });
    },
    close: () => {
      if (file !== undefined) closeSync(file);
    },
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new OptionError(`--output cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
