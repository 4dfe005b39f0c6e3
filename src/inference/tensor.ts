/** Named numbers or texts of some shape, as classifiers on Triton and the like take and give them. */
export interface Tensor {
  readonly name: string;
  /** Row-major; their product is the length of `data`. */
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Truth values are 0 and 1 of a Uint8Array; floats of 16 bits a Float32Array. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[];
