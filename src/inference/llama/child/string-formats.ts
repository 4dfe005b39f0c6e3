const days = '(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))';
const date = `[0-9]{4}-${days}`;
const time = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?Z';
const byte = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const label = '[a-z0-9]{1,32}';
const days3 = '[0-9]{1,3}D';

/**
 * Formats, each as a plain pattern of which every match is one: narrower than the format where that is simpler (times in UTC, no 29 February, hosts without
 * hyphens), since what a model makes need not use all of it. Formats that are not here are only checked.
 */
export const stringFormats: Readonly<Record<string, string>> = {
  date: `^${date}$`,
  time: `^${time}$`,
  'date-time': `^${date}T${time}$`,
  duration: `^P(?:[0-9]{1,4}W|(?:[0-9]{1,3}Y(?:[0-9]{1,2}M)?(?:${days3})?|[0-9]{1,3}M(?:${days3})?|${days3})(?:T[0-9]{1,3}[HM])?|T(?:[0-9]{1,3}H(?:[0-9]{1,2}M)?|[0-9]{1,4}M(?:[0-9]{1,2}S)?|[0-9]{1,5}S))$`,
  email: `^[A-Za-z0-9]{1,32}(?:[._+-][A-Za-z0-9]{1,32}){0,3}@(?:${label}\\.){1,3}[a-z]{2,10}$`,
  hostname: `^(?:${label}\\.){1,3}[a-z]{2,10}$`,
  uuid: '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  ipv4: `^(?:${byte}\\.){3}${byte}$`,
  uri: `^https?://(?:${label}\\.){1,3}[a-z]{2,10}(?:/[A-Za-z0-9._~-]{1,40}){0,6}/?(?:\\?[A-Za-z0-9._~=&-]{1,80})?$`,
};
