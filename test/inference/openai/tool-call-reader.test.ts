import { describe, expect, it } from 'vitest';
import { ToolCallReader } from '../../../src/inference/openai/tool-call-reader.ts';

const piece = (index: number | undefined, id: string | undefined, name: string | undefined, args: unknown) => ({
  tool_calls: [
    {
      ...(index === undefined ? {} : { index }),
      ...(id === undefined ? {} : { id }),
      function: { ...(name === undefined ? {} : { name }), arguments: args },
    },
  ],
});

/** What clients make of it. */
function joined(deltas: readonly unknown[]): readonly string[] {
  const reader = new ToolCallReader();
  const calls: string[] = [];
  for (const { index, id, name, arguments: args } of deltas.flatMap((delta) => reader.read(delta)))
    calls[index] = `${calls[index] ?? ''}${id === undefined ? '' : `#${id} `}${name ?? ''}${args}`;
  return calls;
}

describe('calls of tools in pieces', () => {
  it.each([
    [
      'as OpenAI numbers them',
      [
        piece(0, 'a', 'look', ''),
        piece(0, undefined, undefined, '{"x"'),
        piece(1, 'b', 'say', '{}'),
        piece(0, undefined, undefined, ':1}'),
      ],
      ['#a look{"x":1}', '#b say{}'],
    ],
    ['whole, all with the number 0', [piece(0, 'a', 'look', '{}'), piece(0, 'b', 'look', '{"y":2}')], ['#a look{}', '#b look{"y":2}']],
    ['with id and name in each piece', [piece(0, 'a', 'look', '{'), piece(0, 'a', 'look', '}')], ['#a look{}']],
    [
      'without numbers, in one list',
      [{ tool_calls: [...piece(undefined, 'a', 'look', '{}').tool_calls, ...piece(undefined, 'b', 'say', '{}').tool_calls] }],
      ['#a look{}', '#b say{}'],
    ],
    ['with arguments as an object', [piece(0, undefined, 'look', { x: 1 })], ['look{"x":1}']],
    ['numbered from 1', [piece(1, 'a', 'look', '{'), piece(1, undefined, undefined, '}')], ['#a look{}']],
    ['as one function', [{ function_call: { name: 'look', arguments: '{' } }, { function_call: { arguments: '}' } }], ['look{}']],
    ['where there are none', [{ content: 'text' }, null, { tool_calls: null }, { tool_calls: ['?'] }], []],
  ])('%s', (_, deltas, calls) => {
    expect(joined(deltas)).toEqual(calls);
  });

  it('are 128 at most', () => {
    expect(joined(Array.from({ length: 200 }, (_, n) => piece(n, `id-${String(n)}`, 'look', '{}')))).toHaveLength(128);
  });
});
