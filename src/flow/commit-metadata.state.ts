/** What stands beside an offset: the map of what is completed above it, and notes that policies keep of the partition, by name. */
export interface CommitMetadata {
  readonly map: string;
  readonly notes: ReadonlyMap<string, string>;
}

const version = '2';
const noNotes: ReadonlyMap<string, string> = new Map();

/**
 * The map alone where there are no notes, as it has always been; else `2`, the map, and for each note a dot, its name in base64url, a
 * colon and its text (of base64url characters).
 */
export const joinMetadata = (map: string, notes: string): string => (notes === '' ? map : `${version}${map}${notes}`);

/** Notes as {@link joinMetadata} takes them; those with an empty text are left out. */
export const joinNotes = (notes: Iterable<readonly [name: string, text: string]>): string =>
  [...notes].map(([name, text]) => (text === '' ? '' : `.${Buffer.from(name).toString('base64url')}:${text}`)).join('');

/** @throws RangeError for notes that {@link joinNotes} did not write; what a map is, its reader says. */
export function splitMetadata(text: string): CommitMetadata {
  if (!text.startsWith(version)) return { map: text, notes: noNotes };
  const [map = '', ...parts] = text.slice(version.length).split('.');
  const notes = new Map<string, string>();
  for (const part of parts) {
    const [, name, note] = /^([\w-]*):([\w-]+)$/.exec(part) ?? [];
    if (name === undefined || note === undefined) throw new RangeError('its notes are not of a known form');
    notes.set(Buffer.from(name, 'base64url').toString(), note);
  }
  return { map, notes };
}
