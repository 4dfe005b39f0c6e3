import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { terminalOutput } from '../../src/cli/terminal-output.ts';

function sink(isTTY: boolean): Writable & { readonly text: () => string; readonly isTTY: boolean } {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return Object.assign(stream, { text: () => text, isTTY });
}

function outputs({ isJson = false, isTTY = false } = {}) {
  const [stdout, stderr] = [sink(isTTY), sink(false)];
  return { out: terminalOutput({ stdout, stderr }, isJson), stdout, stderr };
}

describe('terminalOutput', () => {
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
