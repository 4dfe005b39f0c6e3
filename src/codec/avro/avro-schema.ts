/** A type that has no parts. */
export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

/** What any schema in object form may carry. */
interface Annotated {
  readonly logicalType?: string;
  readonly doc?: string;
}

interface Named extends Annotated {
  readonly name: string;
  readonly namespace?: string;
  readonly aliases?: readonly string[];
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  /** In Avro's own form: bytes as text of code points 0 to 255, a union's by its first branch. */
  readonly default?: unknown;
  readonly doc?: string;
  readonly order?: 'ascending' | 'descending' | 'ignore';
  readonly aliases?: readonly string[];
}

export interface AvroRecord extends Named {
  readonly type: 'record' | 'error';
  readonly fields: readonly AvroField[];
}

export interface AvroEnum extends Named {
  readonly type: 'enum';
  readonly symbols: readonly string[];
  readonly default?: string;
}

export interface AvroFixed extends Named {
  readonly type: 'fixed';
  readonly size: number;
  readonly precision?: number;
  readonly scale?: number;
}

export interface AvroArray extends Annotated {
  readonly type: 'array';
  readonly items: AvroSchema;
}

export interface AvroMap extends Annotated {
  readonly type: 'map';
  readonly values: AvroSchema;
}

export interface AvroPlain extends Annotated {
  readonly type: AvroPrimitive;
  readonly precision?: number;
  readonly scale?: number;
}

/** Around another schema, as some programs write it. */
export interface AvroWrapped extends Annotated {
  readonly type: AvroRecord | AvroEnum | AvroFixed | AvroArray | AvroMap | AvroPlain | readonly AvroSchema[];
}

/** An Avro schema in its JSON form (Avro 1.12); text other than a primitive's is the name of a type that was defined before. */
export type AvroSchema =
  | AvroPrimitive
  | (string & {})
  | AvroPlain
  | AvroRecord
  | AvroEnum
  | AvroFixed
  | AvroArray
  | AvroMap
  | AvroWrapped
  | readonly AvroSchema[];
