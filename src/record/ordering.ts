/** Which records may not overtake each other: none; those of one key (a null key has no order); those of one partition. */
export type Ordering = 'none' | 'key' | 'partition';
