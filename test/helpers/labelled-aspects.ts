import type { Aspect } from '../../pipelines/reviews/aspect-examples.ts';

/** What real sentences are about, by id: labelled by hand, one person, before any model was asked. */
const byAspect: Readonly<Record<Aspect, string>> = {
  picture: '40_1 136_10 12_5 170_5 140_34 140_17 254_17 152_3 70_5 134_8 193_20 140_5',
  sound: '258_46 193_5 265_26 186_4 200_6 300_9 220_9',
  battery: '229_10 212_9 162_5 249_8',
  price: '216_3 213_30 177_27 49_5 89_1 132_3 285_32 53_3 97_7',
  use: '212_18 269_16 259_6 228_2 61_3 258_52 254_14 116_19 74_3 223_18 265_16 267_10 109_7 140_15 271_4 188_16 105_7 258_41 267_35 269_18 116_17 280_42 259_11 242_3 245_51',
  build: '98_4 234_21 282_14 134_13 185_32 205_4 220_13 156_2 175_5 85_8 143_3',
  service: '177_33 177_37 5_10 18_7 97_10 9_5 182_3 177_42',
  other:
    '150_20 203_18 118_12 87_10 292_18 125_6 166_18 136_6 258_60 252_2 162_4 278_3 296_29 62_5 14_3 164_2 56_12 214_11 87_9 75_8 98_5 93_5 173_1 48_10 308_32 258_33 245_38 252_7 246_2 193_26 62_7 7_7 107_5 5_6 154_1 296_3 100_1 31_3 305_4 236_11 63_2 45_2 95_1 67_2 185_3 209_11 203_2 118_15 303_12 222_11 24_3 60_9 140_25 27_6',
};

export const labelledAspects: Readonly<Record<string, Aspect>> = Object.fromEntries(
  (Object.entries(byAspect) as [Aspect, string][]).flatMap(([aspect, ids]) => ids.split(' ').map((id) => [id, aspect] as const)),
);
