import { describe, expect, it } from 'vitest';
import { parsePrometheus } from './prometheus-text.ts';

const head = '# HELP a_total what it is\n# TYPE a_total counter\n';

describe('the strict reader of metrics', () => {
  it('reads what is right', () => {
    expect(parsePrometheus(`${head}a_total{x="1, \\"2\\" \\\\ \\n}",y=""} 1.5e3\na_total 0\n`).samples).toEqual([
      { name: 'a_total', labels: { x: '1, "2" \\ \n}', y: '' }, value: 1_500 },
      { name: 'a_total', labels: {}, value: 0 },
    ]);
    expect(parsePrometheus('# HELP g h\n# TYPE g gauge\ng +Inf\n').samples[0]?.value).toBe(Infinity);
  });

  it.each([
    ['no end', `${head}a_total 1`],
    ['a sample before its type', 'a_total 1\n'],
    ['a series twice', `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`],
    ['a metric in two places', `${head}a_total 1\n# HELP b x\n# TYPE b gauge\nb 1\n${head}a_total{x="1"} 2\n`],
    ['an unescaped quote', `${head}a_total{x="a"b"} 1\n`],
    ['a label twice', `${head}a_total{x="a",x="b"} 1\n`],
    ['a count below 0', `${head}a_total -1\n`],
    ['a count without an end', `${head}a_total +Inf\n`],
    ['no number', `${head}a_total one\n`],
    ['a comment of another sort', `${head}# a_total\n`],
  ])('refuses %s', (_, text) => {
    expect(() => parsePrometheus(text)).toThrow();
  });
});
