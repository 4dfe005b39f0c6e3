import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Which answers are owed to which connection: a client may ask again before the first answer has come. Holds an entry for each answer that is owed. */
export class Connections {
  readonly #owed = new WeakMap<Socket, Set<ServerResponse>>();

  begin(socket: Socket, response: ServerResponse): void {
    const owed = this.#owed.get(socket) ?? new Set();
    this.#owed.set(socket, owed.add(response));
    response.once('close', () => owed.delete(response));
  }

  /** Whether an answer is on its way: what is written to the connection now would stand in the midst of it. */
  isAnswering(socket: Socket): boolean {
    return [...(this.#owed.get(socket) ?? [])].some(({ headersSent }) => headersSent);
  }
}
