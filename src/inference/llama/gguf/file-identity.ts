import type { Stats } from 'node:fs';

/** Differs when a file was written to, or another was put in its place. */
export const fileIdentity = ({ ino, size, mtimeMs }: Pick<Stats, 'ino' | 'size' | 'mtimeMs'>): string =>
  [ino, size, mtimeMs].map(String).join(':');
