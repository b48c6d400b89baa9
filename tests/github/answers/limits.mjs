// Sizes that GitHub refuses and the emulator takes.
import { invalid } from '../reply.mjs';

const LONGEST = { body: 65_536, title: 256, name: 50, description: 100 };
const COLOR = /^[0-9a-f]{6}$/i;

const characters = (text) => { let count = 0; for (const _ of text) count++; return count; };

/** The refusal of the first field that is too long, or undefined. */
export function tooLong(resource, values) {
  for (const [field, most] of Object.entries(LONGEST)) {
    if (typeof values?.[field] === 'string' && characters(values[field]) > most) {
      return invalid(resource, field, 'custom', `${field} is too long (maximum is ${most} characters)`);
    }
  }
  return undefined;
}

export const badColor = ({ color }) =>
  (color !== undefined && !COLOR.test(color) ? invalid('Label', 'color', 'invalid') : undefined);
