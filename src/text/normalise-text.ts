const stray = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b\u2060\ufeff]/g;
const lineEnds = /\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g;
const spaces = /[\t\p{Zs}]+/gu;

/**
 * A text as it is compared and hashed: composed (NFC), line ends as `\n`, no control, zero-width or soft-hyphen characters (joiners within emoji and scripts stay), runs of spaces as one, no
 * spaces around line ends, at most one empty line in a row, none around the whole; half of a surrogate pair is U+FFFD. Words, case and punctuation stay. Normalised again it is the same.
 *
 * Linear in its length.
 */
export function normaliseText(text: string): string {
  const lines = text.toWellFormed().normalize('NFC').replaceAll(lineEnds, '\n').replaceAll(stray, '').replaceAll(spaces, ' ').split('\n');
  const kept: string[] = [];
  for (const line of lines) {
    const trimmed = line.trim();
    if (trimmed !== '' || (kept.length > 0 && kept.at(-1) !== '')) kept.push(trimmed);
  }
  if (kept.at(-1) === '') kept.pop();
  return kept.join('\n').normalize('NFC');
}
