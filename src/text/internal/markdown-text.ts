import type { ReadText } from './read-text.ts';

const fence = /^ {0,3}(`{3,}|~{3,})/;
const mostFrontMatter = 64 * 1024;

/** The lines between two `---` at the very beginning. */
function withoutFrontMatter(text: string): { readonly body: string; readonly front: string } {
  const opening = /^\ufeff?---[ \t]*\r?\n/.exec(text)?.[0];
  if (opening === undefined) return { body: text, front: '' };
  const closing = /\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text.slice(opening.length - 1, mostFrontMatter));
  if (closing === null) return { body: text, front: '' };
  const from = opening.length - 1 + closing.index;
  return { body: text.slice(from + closing[0].length), front: text.slice(opening.length, Math.max(opening.length, from)) };
}

// each is bounded, so that no line makes it look back over and over
const rules: readonly (readonly [RegExp, string])[] = [
  [/!\[([^\][]{0,1000})\]\([^()\s]{0,2000}(?:\s{1,9}"[^"]{0,500}")?\)/g, '$1'],
  [/\[([^\][]{0,1000})\]\([^()\s]{0,2000}(?:\s{1,9}"[^"]{0,500}")?\)/g, '$1'],
  [/\[([^\][]{1,1000})\]\[[^\][]{0,200}\]/g, '$1'],
  [/<(https?:\/\/[^<>\s]{1,2000})>/g, '$1'],
  [/(\*\*|__)(?=\S)([^*_]{1,1000}?)\1/g, '$2'],
  [/(?<![\w*])\*(?=\S)([^*]{1,1000}?)\*(?![\w*])/g, '$1'],
  [/(?<![\w_])_(?=\S)([^_]{1,1000}?)_(?![\w_])/g, '$1'],
  [/~~(?=\S)([^~]{1,1000}?)~~/g, '$1'],
  [/`([^`]{1,1000})`/g, '$1'],
  [/<\/?[a-z][\w-]{0,30}(?:\s[^<>]{0,500})?>/gi, ''],
  [/\\([!-/:-@[-`{-~])/g, '$1'],
];

function plainLine(line: string): string | undefined {
  if (/^ {0,3}\[[^\]]{1,200}\]:\s/.test(line)) return undefined; // where a reference points to
  if (/^ {0,3}(?:={2,}|-{3,}|\*{3,}|_{3,}) *$/.test(line)) return ''; // a rule, or what underlines a heading
  if (/^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/.test(line)) return undefined; // between a table's head and its body
  const bare = line
    .replace(/^ {0,3}#{1,6}\s+/, '')
    .replace(/^(?: {0,3}> ?){1,20}/, '')
    .replace(/^(\s{0,100})[*+]\s/, '$1- ');
  return rules.reduce((text, [pattern, by]) => text.replaceAll(pattern, by), bare);
}

/** Markdown as text: without front matter, marks of headings, emphasis and links (their words stay); code stays as it is. By lines, without a tree, as all that is wanted is the words. */
export function markdownText(markdown: string): ReadText {
  const { body, front } = withoutFrontMatter(markdown);
  const kept: string[] = [];
  let open: string | undefined;
  let heading: string | undefined;
  for (const line of body.split(/\r\n?|\n/)) {
    const mark = fence.exec(line)?.[1];
    if (open !== undefined) {
      if (mark?.startsWith(open) === true && line.trim() === mark) open = undefined;
      else kept.push(line);
    } else if (mark !== undefined) open = mark;
    else {
      const plain = plainLine(line);
      if (plain !== undefined) kept.push(plain);
      if (heading === undefined && /^ {0,3}#\s/.test(line)) heading = plain?.trim();
    }
  }
  const title = /^title:\s*(?:"([^"\n]*)"|'([^'\n]*)'|(.*?))\s*$/m.exec(front);
  const named = [title?.[1], title?.[2], title?.[3], heading].find((one) => one !== undefined && one !== '');
  return { text: kept.join('\n'), ...(named === undefined ? {} : { title: named }), warnings: [] };
}
