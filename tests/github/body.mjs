// Reads the body of a request, and keeps no more of it than agreed.

/** An answer given before the client has sent everything may get lost, so what is too large is heard out up to this many times. */
const PATIENCE = 4;

/** @returns {Promise<{ raw: Buffer, size: number, tooLarge: boolean }>} `raw` is empty when the body is too large. */
export async function readBody(request, most) {
  let chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most * PATIENCE) throw new Error(`a body of more than ${most * PATIENCE} bytes`);
    if (size > most) chunks = [];
    else chunks.push(chunk);
  }
  return { raw: Buffer.concat(chunks), size, tooLarge: size > most };
}
