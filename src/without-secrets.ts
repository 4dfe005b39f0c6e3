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

/** A text of somebody else's without what looks like a key, a password or a token: what is written to a topic stays there, and what is told is read. */
export const withoutSecrets = (text: string): string => shapes.reduce((rest, shape) => rest.replace(shape, '$1[redacted]'), text);
