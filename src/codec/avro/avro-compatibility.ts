import { messageOf } from '../../errors.ts';
import { parseExactJson } from '../internal/exact-json.ts';
import type { ReferencedSchema } from '../internal/resolve-references.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { AvscType } from './avsc.ts';
import { compileSchema } from './compile-schema.ts';
import { requireReadable, Unreadable } from './resolve.ts';

export interface WholeSchema {
  readonly schema: string;
  /** Those that it speaks of, each behind those that it speaks of itself. */
  readonly references: readonly ReferencedSchema[];
}

/** @throws OptionError for what is no Avro schema; SyntaxError for what is no JSON */
export const avroTypeOf = ({ schema, references }: WholeSchema): AvscType =>
  compileSchema(
    parseExactJson(schema) as AvroSchema,
    'the schema',
    references.map((one) => parseExactJson(one.schema) as AvroSchema),
  );

/** Why not all that `writer` writes can be read as `reader`; undefined: it can. */
export function whyUnreadable(writer: WholeSchema, reader: WholeSchema): string | undefined {
  try {
    requireReadable(avroTypeOf(writer), avroTypeOf(reader));
    return undefined;
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    return messageOf(error);
  }
}
