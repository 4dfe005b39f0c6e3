/** FNV-1a over the text's UTF-16 units, then murmur3's last mix: short texts that differ in one place come out far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * How much `key` belongs to the one called `name`: the same in every process, spread as the weights say, and who leaves or comes moves only its own keys.
 * @see weighted rendezvous hashing.
 */
export function belonging(key: string, name: string, weight: number): number {
  const share = (hashOf(`${name}\u0000${key}`) + 0.5) / 2 ** 32;
  return -weight / Math.log(share);
}
