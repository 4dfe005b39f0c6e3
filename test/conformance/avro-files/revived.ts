/** JSON with the kinds that it has no form for; see the scripts in Python. */
export function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  const { $: kind, is } = value as { readonly $?: string; readonly is?: string };
  if (kind === 'long') return BigInt(is ?? '');
  if (kind === 'bytes') return Buffer.from(is ?? '', 'hex');
  if (kind === 'date') return new Date(is ?? '');
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, revived(one)]));
}
