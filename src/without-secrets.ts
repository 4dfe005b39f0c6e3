/** What gives access to something, by the shapes that are known; the first group is kept. */
const shapes: readonly RegExp[] = [
  /\b((?:Bearer|Basic)\s+)[\w.~+/=-]{6,}/gi,
  /(:\/\/)[^\s/?#"']{1,300}(?=@)/g,
  /()\b(?:pk|rk|hf|gh[pousr]|xox[abprs]|glpat|AKIA)[-_]?[A-Za-z0-9][\w-]{14,}/g,
  /()\bsk[-_][\w-]{6,}/g,
  /((?:api[-_ ]?key|password|passwd|passphrase|secret|authorization|access[-_]?token)["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
  // of a query any name that says what its value is for; elsewhere "key" and "code" may be anything
  /([?&;][\w.-]{0,40}(?:token|key|secret|pass(?:word|wd)?|pwd|sig(?:nature)?|auth|credential|session|code)=)[^\s"'&;#]+/gi,
  /((?:^|[\s"'])[\w.-]{0,40}(?:token|secret|pwd|signature)=)[^\s"'&;#]+/gi,
  /()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
];

const withoutShapes = (text: string): string => shapes.reduce((rest, shape) => rest.replace(shape, '$1[redacted]'), text);

/** `user:password`, as it stands behind "Basic". */
const pair = /^[\w.@+-]{1,64}:[!-~]{4,}$/;

const looksSecret = (text: string): boolean => withoutShapes(text) !== text;

/** Not of one of our own words: those unpack to bytes that are no text. */
function isSecretInBase64(run: string): boolean {
  const text = Buffer.from(run, 'base64').toString('latin1');
  return /^[ -~]+$/.test(text) && (looksSecret(text) || pair.test(text));
}

function isSecretEscaped(run: string): boolean {
  try {
    return run.includes('%') && looksSecret(decodeURIComponent(run));
  } catch {
    return false;
  }
}

/** Runs that may be packed; each pattern passes over a text once, whatever stands in it. */
const packings: readonly (readonly [run: RegExp, isSecret: (run: string) => boolean])[] = [
  [/[\w.~+%-]{6,}/g, isSecretEscaped],
  [/[\w+/-]{12,}={0,2}/g, isSecretInBase64],
];

/**
 * A text of somebody else's without what looks like a key, a password or a token, also in base64 and escaped for a URL: what is written to a topic stays
 * there, and what is told is read.
 */
export const withoutSecrets = (text: string): string =>
  packings.reduce((rest, [run, isSecret]) => rest.replace(run, (found) => (isSecret(found) ? '[redacted]' : found)), withoutShapes(text));

/** The forms in which a secret may come back: as it is, escaped for a URL, and in base64, also with something before and behind it. */
export function formsOf(secret: string): readonly string[] {
  const packed = [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const own = bytes.toString('base64url').slice(before === 0 ? 0 : before + 1, bytes.length % 3 === 0 ? undefined : -1);
    return own.length < shortestPacked ? [] : [own, own.replaceAll('-', '+').replaceAll('_', '/')];
  });
  return [...new Set([secret, encodeURIComponent(secret), ...packed])];
}

/** Of fewer letters any word may be. */
const shortestPacked = 6;
