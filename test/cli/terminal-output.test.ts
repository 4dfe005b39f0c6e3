import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { terminalOutput } from '../../src/cli/terminal-output.ts';

interface Sink extends Writable {
  readonly text: () => string;
  readonly isTTY: boolean;
  readonly columns?: number;
}

function sink(isTTY: boolean, columns?: number): Sink {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return Object.assign(stream, { text: () => text, isTTY, ...(columns === undefined ? {} : { columns }) });
}

function outputs({ isJson = false, isTTY = false } = {}) {
  const [stdout, stderr] = [sink(isTTY), sink(false)];
  return { out: terminalOutput({ stdout, stderr }, isJson), stdout, stderr };
}

describe('terminalOutput', () => {
  it('shows what would steer the terminal in a remark, such as a name that a server gives itself', () => {
    const [stdout, stderr] = [sink(false), sink(true, 80)];
    terminalOutput({ stdout, stderr }, false).note('model \u001b[31mred');
    expect(stderr.text()).toBe('model \\x1b[31mred\n');
  });

  it('gives people lines and remarks, and no JSON', () => {
    const { out, stdout, stderr } = outputs();
    out.line('a');
    out.json({ b: 1 });
    out.note('c');
    out.live('d');
    expect([stdout.text(), stderr.text()]).toEqual(['a\n', 'c\n']);
  });

  it('gives machines JSON and nothing else, bigints as text', () => {
    const { out, stdout, stderr } = outputs({ isJson: true });
    out.line('a');
    out.json({ b: 1n });
    out.note('c');
    out.table([['d']]);
    expect([stdout.text(), stderr.text()]).toEqual(['{"b":"1"}\n', '']);
  });

  it.each([
    [true, 'red\\x1b[31m\ttab\\x07\n'],
    [false, 'red\u001b[31m\ttab\u0007\n'],
  ])('shows control characters where stdout is a terminal (%s)', (isTTY, expected) => {
    const { out, stdout } = outputs({ isTTY });
    out.line('red\u001b[31m\ttab\u0007');
    expect(stdout.text()).toBe(expected);
  });

  // a pseudo-terminal that nobody has told its size, as of `script` or an expect script: a redraw would never end there
  it.each([
    { columns: 0, isTty: false, width: 80 },
    { columns: undefined, isTty: false, width: 80 },
    { columns: 100, isTty: true, width: 100 },
  ])('draws a live line only where it knows the width ($columns)', ({ columns, isTty, width }) => {
    const out = terminalOutput({ stdout: sink(true), stderr: sink(true, columns) }, false);
    expect(out).toMatchObject({ isTty, width });
  });

  it('aligns columns, numbers to the right', () => {
    const { out, stdout } = outputs();
    out.table([
      ['name', 'count'],
      ['a', '5'],
      ['long name', '1,000'],
    ]);
    expect(stdout.text()).toBe('name       count\na              5\nlong name  1,000\n');
  });
});
