import type { Json } from './merge/merge-extractions.ts';

/** A member of an object; undefined of anything else. */
export const memberOf = (value: Json, name: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (Reflect.get(value, name) as Json | undefined) : undefined;
