/**
 * The alternatives of a dependency-cruiser pattern, each as a pattern of its own, so that every one can be held against the
 * tree: `^src/(flow|serve)/` → `^src/flow/`, `^src/serve/`. Look-aheads stay; back references become "any folder".
 */
export function expandPattern(pattern: string): readonly string[] {
  const plain = pattern.replaceAll(/\$\d/g, '[^/]+');
  const group = /\((?!\?)([^()]*(?:\(\?[^()]*\)[^()]*)*)\)/.exec(plain);
  if (group === null) return plain.split('|');
  const [whole, inner = ''] = group;
  return inner
    .split('|')
    .flatMap((alternative) => expandPattern(plain.slice(0, group.index) + alternative + plain.slice(group.index + whole.length)));
}
