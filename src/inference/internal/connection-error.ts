import { InferenceError, messageOf } from '../../errors.ts';
import { formsOf, withoutSecrets } from '../../without-secrets.ts';

/** What an error of a connection may tell. */
export interface Connection {
  /** Without credentials and query. */
  readonly shownUrl: string;
  /** What was sent to prove who asks; stands in no error. */
  readonly secret: string | undefined;
  /** The option that names the server. */
  readonly option: string;
  /** Whose form an answer should have. */
  readonly form: string;
}

/** What went wrong below HTTP, or with an answer that is no HTTP, as one of our errors. */
export function connectionError(error: unknown, { shownUrl, secret, option, form }: Connection): InferenceError {
  const chain = chainOf(error);
  const code = chain.map((one) => ('code' in one && typeof one.code === 'string' ? one.code : undefined)).find((one) => one !== undefined);
  if (error instanceof SyntaxError)
    return new InferenceError('model_failed', `expected an answer in JSON from ${shownUrl}, got text that is not`);
  if (error instanceof TypeError && code === undefined)
    // a failed fetch comes wrapped: this is our own reading
    return new InferenceError('model_failed', `expected an answer in the form of ${form} from ${shownUrl}, got another one`, {
      cause: error,
    });
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return new InferenceError(
      'model_failed',
      `the answer of ${shownUrl} has longer headers than Node reads (16 KiB, --max-http-header-size)`,
    );
  if (code !== undefined && unreadable.test(code))
    return new InferenceError(
      'model_failed',
      `the answer of ${shownUrl} cannot be read: it is not packed, or not HTTP, as it says (${code})`,
      {
        cause: chain.at(-1),
      },
    );
  if (code !== undefined && /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_(BODY|HEADERS)_TIMEOUT|ERR_STREAM)/.test(code)) {
    return new InferenceError('model_failed', `the connection to ${shownUrl} broke off before the answer was whole (${code})`, {
      cause: chain.at(-1),
    });
  }
  const hint =
    code === 'ENOTFOUND' ? `is the host name in ${option} right?` : `is the server running, and does ${option} name its host and port?`;
  const what = code ?? redacted(messageOf(chain.at(-1) ?? error), secret);
  return new InferenceError('model_unavailable', `cannot reach ${shownUrl} (${what}); ${hint}`, { cause: chain.at(-1) });
}

/** Of what unpacks (gzip, brotli, zstd) and of what reads HTTP. */
const unreadable =
  /^(Z_|BROTLI_|ERR_BROTLI|ERR__ERROR_FORMAT|ERR_ZLIB|ZSTD_|HPE_|UND_ERR_(RES_CONTENT_LENGTH|RES_EXCEEDED)|UND_ERR_HTTP_PARSER)/;

/** An error and its causes, outermost first; a chain may bite its own tail. */
export function chainOf(error: unknown): readonly object[] {
  const chain: object[] = [];
  for (
    let one = error;
    typeof one === 'object' && one !== null && !chain.includes(one) && chain.length < 8;
    one = 'cause' in one ? one.cause : undefined
  )
    chain.push(one);
  return chain;
}

/** The key in all its forms, and what looks like one: servers repeat keys, some with their middle starred out. */
export function redacted(text: string, secret = ''): string {
  const forms = secret === '' ? [] : formsOf(secret);
  const rest = forms.reduce((left, form) => left.replaceAll(form, '[key]'), text);
  return withoutSecrets(rest.replace(/\b(sk-|Bearer\s+)[\w*.-]{4,}/g, '$1[key]'));
}

/** A server's words in ours, at most; they are the server's, so they may repeat what was sent. */
const longestWords = 200;

/** A server's words on one line, cut. */
export function shortened(text: string): string {
  const words = text.replace(/\s+/g, ' ').trim();
  return words.length > longestWords ? `${words.slice(0, longestWords)}…` : words;
}
