/** kafkajs's `Connection`, as far as it takes bytes apart. It is connected again and again. */
export interface StreamInternals {
  /** The present socket, or the last one. */
  readonly socket?: { readonly connecting: boolean; destroy(error?: Error): void } | null;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected: (this: StreamInternals) => boolean;
  connect: (this: StreamInternals) => Promise<unknown>;
  processData: (this: StreamInternals, data: Buffer) => void;
}

const sizeBytes = 4; // an answer begins with its length

/**
 * kafkajs keeps the first half of an answer when a connection breaks off in its middle, and takes what the next connection brings for the
 * second: everything after that is misread, and what cannot be read at all is thrown where nobody catches it, which ends the process.
 * Here each connection begins with nothing, hears nothing from the one before, and one that is misread is broken off.
 */
export function patchStream(prototype: StreamInternals): void {
  const { connect, processData } = prototype;
  prototype.connect = async function () {
    if (!this.isConnected()) {
      if (this.socket?.connecting === false) this.socket.destroy();
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: sizeBytes } satisfies Partial<StreamInternals>);
    }
    return connect.call(this);
  };
  prototype.processData = function (data) {
    try {
      processData.call(this, data);
    } catch (error) {
      this.socket?.destroy(error instanceof Error ? error : new Error('the answer cannot be read'));
    }
  };
}
