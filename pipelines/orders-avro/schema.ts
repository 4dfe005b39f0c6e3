import type { AvroSchema, AvroValue } from 'millrace';

/** An order as a shop writes it. It stands here as a literal, so that its type follows from it; programs in other languages find it in the registry. */
export const orderSchema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'customer', type: 'string', doc: 'the key of the record, too' },
    { name: 'placedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'channel', type: { type: 'enum', name: 'Channel', symbols: ['web', 'app', 'phone'], default: 'web' } },
    { name: 'currency', type: { type: 'enum', name: 'Currency', symbols: ['EUR', 'GBP', 'USD'] } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    {
      name: 'items',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Item',
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'title', type: 'string' },
            { name: 'count', type: 'int' },
            { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
          ],
        },
      },
    },
    { name: 'deliverOn', type: ['null', { type: 'int', logicalType: 'date' }], default: null },
    { name: 'note', type: ['null', 'string'], default: null, doc: 'in the words of the customer' },
  ],
} as const satisfies AvroSchema;

export type Order = AvroValue<typeof orderSchema>;

/** An order, and what its note wants. */
export const sortedOrderSchema = {
  type: 'record',
  name: 'SortedOrder',
  namespace: 'shop',
  fields: [
    { name: 'order', type: orderSchema },
    { name: 'wants', type: { type: 'enum', name: 'Wants', symbols: ['none', 'complaint', 'question', 'change', 'thanks'] } },
    { name: 'confidence', type: ['null', 'double'], default: null, doc: '0 to 1; null where there was no note' },
    { name: 'model', type: ['null', 'string'], default: null, doc: 'who said so' },
    { name: 'tokens', type: 'int' },
  ],
} as const satisfies AvroSchema;

export type SortedOrder = AvroValue<typeof sortedOrderSchema>;

/** What a note can want. */
export type NoteKind = Exclude<SortedOrder['wants'], 'none'>;
