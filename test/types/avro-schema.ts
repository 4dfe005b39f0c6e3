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
    { name: 'took', type: { type: 'fixed', name: 'Took', size: 12, logicalType: 'duration' } },
  ],
} as const;
