import { writeFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type NamedSchema, schemaTypes } from '../codec/avro/schema-types.ts';
import { type Command, defineCommand } from '../command.ts';
import { messageOf, OptionError } from '../errors.ts';
import { readSchema } from './avro-options.ts';

const options = { out: { kind: 'text', value: 'file', summary: 'where to write (default: stdout)' } } as const;

export const typesCommand: Command = defineCommand({
  name: 'types',
  summary: 'write the TypeScript types of Avro schemas',
  details: `Declares what avro() has for the values of each schema: an interface for each record, a type for each enum, with their docs; and where
fields have defaults another one, OrderInput beside Order, of what is written, which may lack them. Several
files may speak of each other's types, in any order. What is no record or enum is named by its file. JSON Schema is not read.`,
  arguments: [{ name: 'schema', required: true, many: true, summary: 'a file with an Avro schema as JSON (.avsc)' }],
  options,
  examples: [
    { line: 'millrace types order.avsc customer.avsc --out schemas.d.ts', does: "then: import type { Order } from './schemas.d.ts'" },
  ],
  run: async ({ options: { out: path }, args }, { out }) => {
    const text = schemaTypes(await Promise.all(args.map(namedSchema)));
    if (path === undefined) {
      out.line(text.trimEnd());
      out.json({ types: text });
      return;
    }
    await writeFile(path, text).catch((error: unknown) => {
      throw new OptionError(`--out cannot be written: ${messageOf(error)}`, { cause: error });
    });
    out.note(`types of ${args.join(', ')} written to ${path}`);
    out.json({ out: path });
  },
});

async function namedSchema(path: string): Promise<NamedSchema> {
  const name = basename(path, extname(path))
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{Nd}_]+/gu, '_')
    .replace(/^\p{Nd}/u, '_$&');
  return { name, schema: await readSchema(path) };
}
