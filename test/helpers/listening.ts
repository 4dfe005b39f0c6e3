import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of the tests, on this machine alone. */
export interface Listening {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Tears down every connection, and goes on. */
  readonly crash: () => void;
  readonly close: () => Promise<void>;
}

/** @param port 0 is a free one */
export async function listening(
  server: Pick<Server, 'listen' | 'address' | 'close' | 'closeAllConnections'>,
  port = 0,
): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    crash: () => {
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
