/** What begins like this is no text. Longer signatures first where one begins with another. */
const signatures: readonly (readonly [kind: string, hex: string, at?: number])[] = [
  ['a PNG image', '89504e470d0a1a0a'],
  ['a JPEG image', 'ffd8ff'],
  ['a GIF image', '474946383761'],
  ['a GIF image', '474946383961'],
  ['a WebP image', '57454250', 8],
  ['a TIFF image', '49492a00'],
  ['a TIFF image', '4d4d002a'],
  ['a sound or film (RIFF)', '57415645', 8],
  ['a film (MP4)', '66747970', 4],
  ['a film (Matroska)', '1a45dfa3'],
  ['a sound (MP3)', '494433'],
  ['a sound (Ogg)', '4f676753'],
  ['a program (ELF)', '7f454c46'],
  ['a program (Mach-O)', 'cffaedfe'],
  ['a program (WebAssembly)', '0061736d'],
  ['a Java class', 'cafebabe'],
  ['a zip archive (so are docx, xlsx, pptx, odt, epub)', '504b0304'],
  ['a zip archive without files', '504b0506'],
  ['a gzip file', '1f8b08'],
  ['a bzip2 file', '425a68'],
  ['an xz file', 'fd377a585a00'],
  ['a zstandard file', '28b52ffd'],
  ['a 7z archive', '377abcaf271c'],
  ['a tar archive', '7573746172', 257],
  ['an old Office document (doc, xls, ppt)', 'd0cf11e0a1b11ae1'],
  ['an SQLite database', '53514c69746520666f726d6174203300'],
  ['a Parquet file', '50415231'],
  ['an Avro file', '4f626a01'],
  ['a PDF', '255044462d'],
];
const known = signatures.map(([kind, hex, at = 0]) => ({ kind, bytes: Buffer.from(hex, 'hex'), at }));
// texts may begin like these: they count where control characters show that it is none
const alsoText = new Set([
  'a bzip2 file',
  'a sound (MP3)',
  'a Parquet file',
  'a film (MP4)',
  'a WebP image',
  'a sound or film (RIFF)',
  'a tar archive',
]);

/** What `bytes` are by their first bytes, `undefined` where those say nothing. `isText`: they hold no more control characters than a text does. */
export function binaryKind(bytes: Uint8Array, isText: boolean): string | undefined {
  const found = known.find(({ bytes: signature, at }) => signature.equals(bytes.subarray(at, at + signature.length)));
  return found === undefined || (isText && alsoText.has(found.kind)) ? undefined : found.kind;
}
