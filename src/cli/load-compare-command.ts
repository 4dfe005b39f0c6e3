import { type Command, defineCommand } from '../command.ts';
import { OptionError } from '../errors.ts';
import { type Change, compareLoads } from '../load/compare-loads.ts';
import { readLoad } from '../load/load-files.ts';
import { msText, numberText, shareText } from '../report/internal/number-text.ts';

export const loadCompareCommand: Command = defineCommand({
  name: 'load compare',
  summary: 'what changed between two reports, and whether it matters',
  details: `Each figure has an interval: both runs are drawn anew two thousand times, in blocks of tasks that ran together. A figure is better or worse where
its interval leaves out "the same" and it moved by 5 % or more; the risk of one false alarm among all figures is 5 %.`,
  arguments: [
    { name: 'before', summary: 'a folder of --out, or its load.json', required: true },
    { name: 'after', summary: 'another one', required: true },
  ],
  options: {},
  examples: [{ line: 'millrace load compare before after', does: 'folders that load --out wrote' }],
  run: async ({ args: [one, other] }, { out }) => {
    if (one === undefined || other === undefined) throw new OptionError('load compare needs two reports');
    const { changes, otherwise, confidence } = compareLoads(await readLoad(one), await readLoad(other));
    out.json({ compared: { changes, otherwise, confidence } });
    out.table([['', 'before', 'after', 'change', `interval (${(confidence * 100).toFixed(1)} %)`, ''], ...changes.map(rowOf)]);
    for (const difference of otherwise) out.line(`not the same in both: ${difference}`);
    out.line(summary(changes));
  },
});

const valueText = { ms: msText, '/s': (value: number) => `${numberText(value)}/s`, share: shareText } as const;
const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;
const points = (share: number): string => `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} points`;

function rowOf({ what, before, after, unit, interval, verdict }: Change): readonly string[] {
  const text = (value: number | undefined): string => (value === undefined ? '–' : valueText[unit](value));
  const by = unit === 'share' ? points : percent;
  const change = interval === undefined ? ['–', '–'] : [by(interval.ratio), `${by(interval.from)} to ${by(interval.to)}`];
  return [what, text(before), text(after), ...change, verdict];
}

function summary(changes: readonly Change[]): string {
  const named = (verdict: Change['verdict']): string => changes.flatMap((one) => (one.verdict === verdict ? [one.what] : [])).join('; ');
  const [better, worse, few] = [named('better'), named('worse'), changes.filter(({ verdict }) => verdict === 'too few to tell').length];
  if (better === '' && worse === '')
    return few === changes.length
      ? 'too few tasks to tell'
      : `no difference that matters${few > 0 ? `; ${String(few)} figures had too few tasks or seconds` : ''}`;
  return [...(worse === '' ? [] : [`worse: ${worse}`]), ...(better === '' ? [] : [`better: ${better}`])].join('\n');
}
