import { readFile, writeFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import { type NamedSchema, schemaTypes } from '../codec/avro/schema-types.ts';
import { type Command, defineCommand } from '../command.ts';
import { messageOf, OptionError } from '../errors.ts';

const options = { out: { kind: 'text', value: 'file', summary: 'where to write (default: stdout)' } } as const;

export const typesCommand: Command = defineCommand({
  name: 'types',
  summary: 'write the TypeScript types of Avro schemas',
  details: `Declares what avro() has for the values of each schema: an interface for each record, a type for each enum, with their docs. Several
files may speak of each other's types, in any order. What is no record or enum is named by its file. JSON Schema is not read.`,
  arguments: [{ name: 'schema', required: true, many: true, summary: 'a file with an Avro schema as JSON (.avsc)' }],
  options,
  examples: [
    { line: 'millrace types order.avsc customer.avsc --out schemas.d.ts', does: "then: import type { Order } from './schemas.d.ts'" },
  ],
  run: async ({ options: { out: path }, args }, { out }) => {
    const text = schemaTypes(await Promise.all(args.map(readSchema)));
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

async function readSchema(path: string): Promise<NamedSchema> {
  try {
    const schema = JSON.parse(await readFile(path, 'utf8')) as AvroSchema;
    return {
      name: basename(path, extname(path))
        .replaceAll(/[^A-Za-z0-9_]+/g, '_')
        .replace(/^\d/, '_$&'),
      schema,
    };
  } catch (error) {
    throw new OptionError(`${path} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
}
