import { CodecError } from '../../errors.ts';
import type { Tap } from './avsc.ts';
import { endsTooEarly, readCount, readText } from './text.ts';

/** How many items of arrays and maps the value may still have that is being read: one at a time is. A property of the tap would cost a tenth of a small record. */
let itemsLeft = 0;

/** Begins a value. */
export function allowItems(most: number): void {
  itemsLeft = most;
}

function charge(tap: Tap, items: number): void {
  if (!tap.isValid()) throw endsTooEarly();
  itemsLeft -= items;
  if (itemsLeft < 0)
    throw new CodecError('decode_failed', 'expected fewer items in the arrays and maps of one record: raise maxItems if they are meant');
}

export function readItems(tap: Tap, item: (tap: Tap) => unknown): unknown[] {
  const items: unknown[] = [];
  for (let left = blockItems(tap); left > 0; left = blockItems(tap)) for (; left > 0; left -= 1) items.push(item(tap));
  return items;
}

export function readEntries(tap: Tap, value: (tap: Tap) => unknown): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (let left = blockItems(tap); left > 0; left = blockItems(tap))
    for (; left > 0; left -= 1) {
      const key = readKey(tap);
      map[key] = value(tap);
    }
  return map;
}

/** @throws CodecError for the one key that no map may have */
export function readKey(tap: Tap): string {
  const key = readText(tap);
  if (key === '__proto__')
    throw new CodecError(
      'decode_failed',
      'expected a map without the key __proto__, which replaces prototypes in code that merges objects',
    );
  return key;
}

/** How many items come next; 0 at the end. */
export function blockItems(tap: Tap): number {
  let items = readCount(tap);
  if (items < 0) {
    items = -items;
    tap.skipLong(); // how many bytes they have
  }
  if (items > 0) charge(tap, items);
  return items;
}

export function skipBlocks(tap: Tap, skip: () => void): void {
  for (let items = tap.readLong(); items !== 0; items = tap.readLong()) {
    if (items < 0) {
      const bytes = tap.readLong();
      if (bytes < 0) throw endsTooEarly();
      tap.pos += bytes;
      if (!tap.isValid()) throw endsTooEarly();
      continue;
    }
    charge(tap, items);
    for (let left = items; left > 0; left -= 1) skip();
  }
}
