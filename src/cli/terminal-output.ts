import ora, { type Ora } from 'ora';
import type { Output } from '../command.ts';

/** The two streams a command writes to; a part of what Node's are. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly writableNeedDrain?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

export interface TerminalOutput extends Output {
  /** A line of JSON that is one already: stdout, with `--json`. */
  raw(line: string): void;
  /** Writes to stderr above the live line, whatever the mode: for logs and errors. */
  beside(text: string): void;
}

/**
 * Output on a terminal, a pipe or a file. Holds the live line alone: what is written goes to the stream at once, and
 * `drained` says when a slow reader has taken it.
 */
export function terminalOutput({ stdout, stderr }: Streams, isJson: boolean): TerminalOutput {
  const columns = stderr.columns ?? 0; // 0 too on a terminal that has not said how wide it is: nothing can be redrawn there
  const isTty = stderr.isTTY === true && columns > 0 && !isJson;
  let spinner: Ora | undefined;
  const write = (stream: NodeJS.WritableStream, text: string): void => {
    // the live line would stand in the middle of what is printed
    spinner?.clear();
    stream.write(text);
    spinner?.render();
  };
  const line = (text: string): void => {
    if (!isJson) write(stdout, `${stdout.isTTY === true ? visible(text) : text}\n`);
  };
  return {
    isJson,
    isTty,
    width: columns > 0 ? columns : 80,
    line,
    json: (value) => {
      if (isJson) write(stdout, `${jsonLine(value)}\n`);
    },
    raw: (text) => {
      if (isJson) write(stdout, `${text}\n`);
    },
    note: (text) => {
      if (!isJson) write(stderr, `${stderr.isTTY === true ? visible(text) : text}\n`);
    },
    beside: (text) => {
      write(stderr, text.endsWith('\n') ? text : `${text}\n`);
    },
    live: (text) => {
      if (!isTty) return;
      if (text === undefined) {
        spinner?.stop();
        spinner = undefined;
      } else if (spinner) spinner.text = text;
      // stdin stays as it is: it may be the input, and Ctrl-C must stay a signal
      else spinner = ora({ text, stream: stderr, discardStdin: false }).start();
    },
    table: (rows) => {
      for (const row of aligned(rows)) line(row);
    },
    drained: () =>
      stdout.writableNeedDrain === true
        ? new Promise((resolve) => {
            stdout.once('drain', resolve).once('close', resolve);
          })
        : Promise.resolve(),
  };
}

/** One line of JSON; bigints as decimal strings, which every reader keeps exactly. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));

/** A topic's bytes may hold sequences that steer a terminal: all control characters but tab and line break are shown, not sent. */
export const visible = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const isNumeric = widths.map(
    (_, column) => rows.length > 1 && rows.slice(1).every((row) => /^[-\d.,]*( ?(ms|s|%|B|kB|MB|GB))?$/.test(row[column] ?? '')),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (isNumeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
