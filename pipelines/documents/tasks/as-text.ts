import type { Json } from '../merge/merge-extractions.ts';

/** An answer that was written as text; anything else as its JSON. */
export const asText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
