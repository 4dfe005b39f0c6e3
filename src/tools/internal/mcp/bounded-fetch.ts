/** As much as one message may have. */
export const mostMessageBytes = 4 * 1024 * 1024;

/**
 * `fetch` whose answers end with an error where a message is longer than `mostMessageBytes`: a body, or in a stream of events what comes until an empty line. The SDK gathers both without a bound.
 */
export async function boundedFetch(url: string | URL, init: RequestInit | undefined, onTooLong: () => void): Promise<Response> {
  const answer = await fetch(url, init);
  if (answer.body === null) return answer;
  const isEvents = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
  let bytes = 0;
  const counted = answer.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (part, controller) => {
        const end = isEvents ? eventEnd(part) : -1;
        bytes = end >= 0 ? part.length - end : bytes + part.length;
        if (bytes > mostMessageBytes || part.length > mostMessageBytes) {
          onTooLong(); // in a stream the SDK would only ask for it again
          controller.error(new Error(`a message of more than ${String(mostMessageBytes)} bytes`));
        } else controller.enqueue(part);
      },
    }),
  );
  const { status, statusText, headers } = answer;
  const bounded = new Response(counted, { status, statusText, headers });
  Object.defineProperty(bounded, 'url', { value: answer.url }); // a made response has none
  return bounded;
}

/** Behind the last empty line; one that is cut between two parts is counted with the next. */
function eventEnd(part: Uint8Array): number {
  const text = Buffer.from(part.buffer, part.byteOffset, part.length);
  return Math.max(text.lastIndexOf('\n\n'), text.lastIndexOf('\r\n\r\n'), text.lastIndexOf('\r\r'));
}
