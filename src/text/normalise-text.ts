const stray = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b\u2060\ufeff]+/g;
const lineEnds = /\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g;
// what is one space already is no match: each is held while they are put together
const spaces = /[\t\p{Zs}]{2,}|(?! )[\t\p{Zs}]/gu;
const aroundLineEnds = / \n ?|\n /g;
const emptyLines = /\n{3,}/g;
const solid = /[^\s\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u200b\u2060]/gu;
const blockUnits = 1_048_576;

/**
 * A text as it is compared and hashed: composed (NFC), line ends as `\n`, no control, zero-width or soft-hyphen characters (joiners within emoji and scripts stay), runs of spaces as one, no
 * spaces around line ends, at most one empty line in a row, none around the whole; half of a surrogate pair is U+FFFD. Words, case and punctuation stay. Normalised again it is the same.
 *
 * Linear in its length; holds beside the text and its copies what is found in a MiB of it.
 */
export function normaliseText(text: string): string {
  const whole = text.toWellFormed().normalize('NFC');
  const parts: string[] = [];
  for (let from = 0; from < whole.length; ) {
    const end = endOfBlock(whole, from);
    parts.push(tidied(whole.slice(from, end)));
    from = end;
  }
  return parts.join('').trim().normalize('NFC');
}

/** Behind what stays, so that nothing that is one run is cut in two. */
function endOfBlock(text: string, from: number): number {
  solid.lastIndex = from + blockUnits;
  return solid.test(text) ? solid.lastIndex : text.length;
}

const tidied = (block: string): string =>
  block
    .replaceAll(lineEnds, '\n')
    .replaceAll(stray, '')
    .replaceAll(spaces, ' ')
    .replaceAll(aroundLineEnds, '\n')
    .replaceAll(emptyLines, '\n\n');
