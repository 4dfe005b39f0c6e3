import type { StandardSchemaV1 } from '@standard-schema/spec';
import { textInput } from './text-input.ts';

export interface VisitInput {
  readonly url: string;
  /** From 1 on; of a long text. */
  readonly page?: number | undefined;
}

const longestUrl = 2_048;
const mostPages = 10_000;

/** The schema of what `web_visit` takes. */
export function visitInput(): {
  readonly input: StandardSchemaV1<unknown, VisitInput>;
  readonly inputJsonSchema: Readonly<Record<string, unknown>>;
} {
  const url = textInput({ url: { description: 'the URL of the page', maxLength: longestUrl } });
  const page = { type: 'integer', minimum: 1, maximum: mostPages, description: 'which part of a long page; 1 unless told' };
  const properties = { ...(url.inputJsonSchema['properties'] as object), page };
  return {
    input: {
      '~standard': {
        version: 1,
        vendor: 'millrace',
        validate: async (value) => {
          if (typeof value !== 'object' || value === null || !('page' in value)) return url.input['~standard'].validate(value);
          const { page: number, ...rest } = value;
          const checked = await url.input['~standard'].validate(rest);
          if (number === null || number === undefined) return checked; // models write null for what they leave out
          const isPage = typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= mostPages;
          const issues = isPage ? [] : [{ message: `expected a whole number from 1 to ${String(mostPages)}`, path: ['page'] }];
          if (checked.issues !== undefined || !isPage) return { issues: [...(checked.issues ?? []), ...issues] };
          return { value: { ...checked.value, page: number } };
        },
      },
    },
    inputJsonSchema: { type: 'object', properties, required: ['url'], additionalProperties: false },
  };
}
