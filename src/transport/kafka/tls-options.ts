import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { type OptionNames, requireOptions } from '../../check-options.ts';
import { messageOf, OptionError } from '../../errors.ts';

/** PEM texts, not file names. */
export interface KafkaTls {
  readonly ca?: string | readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** The name that the brokers' certificates carry, where it is not their host name. */
  readonly serverName?: string;
}

/** Node's names for our options. */
export function tlsOptions({ ca, cert, key, passphrase, serverName }: KafkaTls): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

const names: OptionNames<KafkaTls> = { ca: true, cert: true, key: true, passphrase: true, serverName: true };

/** @throws OptionError for what is no certificate or key, and for those that do not fit; never with any of it in the message */
export function checkTls(tls: KafkaTls): void {
  requireOptions('kafka tls', tls, names);
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new OptionError('tls.cert and tls.key need each other');
  // an authority that cannot be read would be passed over, and every certificate be refused
  if (tls.ca !== undefined) for (const ca of typeof tls.ca === 'string' ? [tls.ca] : tls.ca) checkAuthority(ca);
  try {
    createSecureContext(tlsOptions(tls));
  } catch (error) {
    throw new OptionError(`tls.cert, tls.key and tls.passphrase do not fit, or are not PEM: ${messageOf(error)}`, { cause: error });
  }
}

function checkAuthority(ca: unknown): void {
  try {
    if (typeof ca === 'string') new X509Certificate(ca);
    else throw new TypeError(`got ${typeof ca}`);
  } catch (error) {
    throw new OptionError(`tls.ca must be a certificate as PEM text, not the name of a file: ${messageOf(error)}`, { cause: error });
  }
}
