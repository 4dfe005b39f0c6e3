import { SeedReference } from './outcome.ts';

/** The seed that a dead letter is of; undefined for a letter of something else. */
export function referenceIn(value: Uint8Array | null): SeedReference | undefined {
  if (value === null) return undefined;
  try {
    return SeedReference.parse(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return undefined;
  }
}
