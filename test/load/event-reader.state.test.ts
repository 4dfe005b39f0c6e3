import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventReader, type SentEvent } from '../../src/load/event-reader.state.ts';

const read = (pieces: readonly string[]): readonly SentEvent[] => {
  const reader = new EventReader();
  const found = pieces.flatMap((piece) => reader.push(piece));
  const last = reader.end();
  return last ? [...found, last] : found;
};
const message = (data: string): SentEvent => ({ event: 'message', data });

describe('server-sent events', () => {
  it.each<[string, string, readonly SentEvent[]]>([
    ['one', 'data: a\n\n', [message('a')]],
    ['without the blank', 'data:a\n\n', [message('a')]],
    ['two blanks, of which one is data', 'data:  a\n\n', [message(' a')]],
    ['several lines', 'data: a\ndata: b\n\n', [message('a\nb')]],
    ['a name', 'event: error\ndata: {}\n\ndata: b\n\n', [{ event: 'error', data: '{}' }, message('b')]],
    ['comments, ids and unknown fields', ': hello\nid: 1\nretry: 5\nfoo: bar\ndata: a\n\n', [message('a')]],
    ['a name without data', 'event: error\n\ndata: a\n\n', [message('a')]],
    ['data without a colon', 'data\n\n', [message('')]],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [message('a'), message('b')]],
    ['CR', 'data: a\r\rdata: b\r\r', [message('a'), message('b')]],
    ['a byte order mark', '\ufeffdata: a\n\n', [message('a')]],
    ['an end within an event', 'data: a\n\ndata: [DONE]', [message('a'), message('[DONE]')]],
    ['nothing', '\n\n: x\n\n', []],
  ])('%s, in one piece and letter by letter', (_, text, expected) => {
    expect(read([text])).toEqual(expected);
    expect(read(Array.from(text))).toEqual(expected);
  });

  it('are the same however the text is cut', () => {
    const line = fc.constantFrom('data: a', 'data: b', 'event: x', ': c', '', '', 'id: 7', 'dat');
    const end = fc.constantFrom('\n', '\r', '\r\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end)), fc.array(fc.nat(40)), (lines, cuts) => {
        const text = lines.flat().join('');
        const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
        const pieces = [0, ...places].map((from, index) => text.slice(from, places[index]));
        expect(read(pieces)).toEqual(read([text]));
      }),
    );
  });

  it.each([
    ['a line', 'x'.repeat(400_000), 3],
    ['an event', `data: ${'x'.repeat(400_000)}\n`, 3],
  ])('of %s without an end is refused, not held', (_, piece, times) => {
    const reader = new EventReader();
    expect(() => {
      for (let n = 0; n < times; n += 1) reader.push(piece);
    }).toThrow(/at most 1048576 characters/);
  });
});
