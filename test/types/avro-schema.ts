/** Of every kind that has a JavaScript value of its own. */
export const orderSchema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  doc: 'What somebody bought.',
  fields: [
    { name: 'id', type: 'long', doc: 'Given by the shop.' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 8, scale: 2 } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'DONE'] } },
    { name: 'before', type: ['null', 'State'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'sizes', type: { type: 'map', values: 'double' } },
    { name: 'part', type: { type: 'record', name: 'Part', fields: [{ name: 'ok', type: 'boolean' }] } },
    { name: 'either', type: ['int', 'double', 'null'] },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'choice', type: [{ type: 'int', logicalType: 'date' }, 'Part', 'string'] },
    { name: 'kinds', type: ['State', 'Part', { type: 'long', logicalType: 'timestamp-millis' }] },
    { name: 'named', type: ['Part', { type: 'record', name: 'other.Part', fields: [{ name: 'state', type: 'shop.State' }] }, 'Hash'] },
    { name: 'rounded', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 10 } },
    { name: 'took', type: { type: 'fixed', name: 'Took', size: 12, logicalType: 'duration' } },
  ],
} as const;

/** Names in namespaces. */
export const nested = {
  type: 'record',
  name: 'R',
  namespace: 'a.b',
  fields: [
    { name: 'one', type: [{ type: 'fixed', name: 'F', size: 1 }, 'bytes'] },
    {
      name: 'two',
      type: [{ type: 'record', name: 'c.In', fields: [{ name: 'x', type: ['null', { type: 'enum', name: 'E', symbols: ['A'] }] }] }, 'R'],
    },
    { name: 'three', type: ['c.E', 'string', 'null'] },
    { name: 'four', type: 'F', default: '\u0000' },
  ],
} as const;
