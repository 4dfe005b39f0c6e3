import { createHash } from 'node:crypto';
import type { Work } from './protocol.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');

/** The same for requests that are the same. */
export const keyOf = (work: Work): string => hashOf(JSON.stringify(work));

const beginningLength = 256;

/** What prompts of one pipeline have in common: all but the last turn, where there are several. */
export function beginningOf(work: Work): string {
  if (!('turns' in work)) return '';
  const [first, ...others] = work.turns;
  if (others.length === 0) return first?.content.slice(0, beginningLength) ?? '';
  return hashOf(JSON.stringify(work.turns.slice(0, -1)));
}
