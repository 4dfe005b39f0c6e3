import type { z } from 'zod';

/** A field that may be left out, or null, which means the same to OpenAI's clients. */
export const maybe = <S extends z.ZodType>(schema: S) => schema.nullish().transform((given) => given ?? undefined);
