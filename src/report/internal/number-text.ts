/** With three digits that count, and thousands apart: `1,234`, `12.3`, `0.0457`. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

export const shareText = (share: number): string =>
  share === 0 || share >= 0.0995 ? `${(share * 100).toFixed(0)} %` : `${(share * 100).toPrecision(2)} %`;

/** Milliseconds as what people would say. */
export const msText = (ms: number): string =>
  ms < 1_000 ? `${numberText(ms)} ms` : ms < 100_000 ? `${numberText(ms / 1_000)} s` : `${numberText(ms / 60_000)} min`;
