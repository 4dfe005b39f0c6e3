import type { DocumentContent } from '../document-source.ts';
import { DocumentError } from '../../errors.ts';

const usual = ['text', 'content', 'body', 'document', 'article', 'message'];
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A row as a document: its text is the field that was asked for, else one that is named like a text, else all of them as `name: value`. */
export function rowContent(row: unknown, where: string, textField: string | undefined): DocumentContent {
  if (typeof row === 'string' && textField === undefined) return { text: row, fields: {} };
  if (!isPlain(row))
    throw new DocumentError(
      `${where}: expected an object with fields${textField === undefined ? ', or a text' : ''}, got ${row === null ? 'null' : Array.isArray(row) ? 'a list' : typeof row}`,
    );
  if (textField !== undefined) return { text: fieldOf(row, textField, where), fields: row };
  const found = usual.find((name) => Object.hasOwn(row, name) && typeof row[name] === 'string');
  if (found !== undefined) return { text: shown(row[found]), fields: row };
  const lines = Object.entries(row).flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [`${name}: ${shown(value)}`],
  );
  return { text: lines.join('\n'), fields: row };
}

function fieldOf(row: Readonly<Record<string, unknown>>, name: string, where: string): string {
  const value = Object.hasOwn(row, name) ? row[name] : undefined;
  if (typeof value === 'string') return value;
  const got =
    value === undefined
      ? `none among ${Object.keys(row).slice(0, 20).join(', ')}`
      : value === null
        ? 'null'
        : `a value of type ${typeof value}`;
  throw new DocumentError(`${where}: expected text in the field ${JSON.stringify(name)}, got ${got}`);
}
