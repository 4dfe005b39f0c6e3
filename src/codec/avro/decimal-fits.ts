/** Of one digit each. */
type Digit<One extends string, Other extends string> = One extends Other
  ? 'same'
  : '0123456789' extends `${string}${One}${string}${Other}${string}`
    ? 'less'
    : 'more';

/** Of the digits of two whole numbers. */
type Compared<One extends string, Other extends string, Before = 'same'> = One extends `${infer A}${infer Rest}`
  ? Other extends `${infer B}${infer More}`
    ? Compared<Rest, More, Before extends 'same' ? Digit<A, B> : Before>
    : 'more'
  : Other extends ''
    ? Before
    : 'less';

type IsAtMost<One extends number, Other extends number> = number extends One | Other
  ? true
  : Compared<`${One}`, `${Other}`> extends 'more'
    ? false
    : true;

type IsCount<N extends number> = number extends N
  ? true
  : `${N}` extends `-${string}` | `${string}.${string}` | `${string}e${string}`
    ? false
    : true;

/** How many digits so many bytes hold. */
interface DigitsOf {
  readonly 1: 2;
  readonly 2: 4;
  readonly 3: 6;
  readonly 4: 9;
  readonly 5: 11;
  readonly 6: 14;
  readonly 7: 16;
  readonly 8: 18;
  readonly 9: 21;
  readonly 10: 23;
  readonly 11: 26;
  readonly 12: 28;
  readonly 13: 31;
  readonly 14: 33;
  readonly 15: 35;
  readonly 16: 38;
}

type InSize<S, Precision extends number> = S extends { readonly type: 'fixed'; readonly size: infer Size extends keyof DigitsOf }
  ? IsAtMost<Precision, DigitsOf[Size]>
  : true;

type ScaleOf<S> = S extends { readonly scale: infer Scale extends number } ? Scale : 0;

/** Whether a decimal is one: with a precision of 1 or more, a scale up to that, and digits that its size holds (of up to 16 bytes, it is taken for granted of larger ones). */
export type DecimalFits<S> = S extends { readonly precision: infer Precision extends number }
  ? Precision extends 0
    ? false
    : [IsCount<Precision>, IsCount<ScaleOf<S>>, IsAtMost<ScaleOf<S>, Precision>, InSize<S, Precision>] extends [true, true, true, true]
      ? true
      : false
  : false;
