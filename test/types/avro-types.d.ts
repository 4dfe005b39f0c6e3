import type { AvroDuration } from '../../src/index.ts';

/** What somebody bought. */
export interface Order {
  /** Given by the shop. */
  id: bigint;
  at: Date;
  price: string;
  day: string;
  state: State;
  before: null | State;
  tags: string[];
  sizes: Record<string, number>;
  part: Part;
  either: { readonly int: number } | { readonly double: number } | null;
  hash: Uint8Array;
  choice: { readonly int: string } | { readonly 'shop.Part': Part } | { readonly string: string };
  kinds: State | Part | Date;
  named: { readonly 'shop.Part': Part } | { readonly 'other.Part': other_Part } | { readonly 'shop.Hash': Uint8Array };
  rounded: Uint8Array;
  took: AvroDuration;
}

export type State = 'OPEN' | 'DONE';

export interface Part {
  ok: boolean;
}

export interface other_Part {
  state: State;
}

/** What somebody bought. */
export interface OrderInput {
  /** Given by the shop. */
  id: bigint;
  at: Date;
  price: string;
  day: string;
  state: State;
  before?: null | State | undefined;
  tags: readonly string[];
  sizes: Record<string, number>;
  part: Part;
  either: { readonly int: number } | { readonly double: number } | null;
  hash: Uint8Array;
  choice: { readonly int: string } | { readonly 'shop.Part': Part } | { readonly string: string };
  kinds: State | Part | Date;
  named: { readonly 'shop.Part': Part } | { readonly 'other.Part': other_Part } | { readonly 'shop.Hash': Uint8Array };
  rounded: Uint8Array;
  took: AvroDuration;
}
