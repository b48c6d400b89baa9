// Faults that a test asks for: what GitHub, a proxy or the network does wrong, on chosen requests.
import { setTimeout as sleep } from 'node:timers/promises';
import { problem, reply } from './reply.mjs';

const LONGEST_WAIT_MS = 120_000;
const MOST_FAULTS = 100;
const SECONDARY = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
const html = (status, text) => ({ ...reply(status, undefined, { 'content-type': 'text/html' }), raw: `<html><body>${text}</body></html>` });
const CUT = { cut: true };

/** Instead of the answer: the emulator does not hear of the request. */
const BEFORE = {
  403: () => problem(403, 'Resource not accessible by integration'),
  '403rate': ({ seconds = 2 }) => problem(403, 'API rate limit exceeded for installation.', {
    'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '0', 'x-ratelimit-used': '1000', 'x-ratelimit-resource': 'core',
    'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + seconds),
  }),
  '403secondary': ({ seconds = 1 }) => problem(403, SECONDARY, { 'retry-after': String(seconds) }),
  '403bare-secondary': () => problem(403, SECONDARY),
  429: ({ seconds = 1 }) => problem(429, SECONDARY, { 'retry-after': String(seconds) }),
  404: () => problem(404, 'Not Found'),
  410: () => problem(410, 'Issues are disabled for this repo'),
  422: ({ message = 'Validation Failed' }) => problem(422, message),
  500: () => problem(500, 'Server Error'),
  502: () => html(502, 'Bad Gateway'),
  notjson: () => html(200, 'Welcome to this network'),
  drop: () => CUT,
};

/** After the answer: the emulator did what was asked, and the client does not get to know. */
const AFTER = {
  '502after': () => html(502, 'Bad Gateway'),
  dropafter: () => CUT,
  page2missing: (_fault, answer) => ({ ...answer, data: [] }),
  truncate: (_fault, answer) => {
    const text = JSON.stringify(answer.data ?? {});
    return { ...answer, raw: text.slice(0, Math.floor(text.length / 2)) };
  },
};

const laterPage = ({ method, query }) => method === 'GET' && Number(query.get('page')) > 1;
const issueList = ({ method, path }) => method === 'GET' && /^\/repos\/[^/]+\/[^/]+\/issues$/.test(path);
/** Kinds that mean only some requests, so that the others do not use them up. */
const MEANS = { page2missing: laterPage, stale: issueList };

const FIELDS = {
  kind: (value) => [...Object.keys(BEFORE), ...Object.keys(AFTER), 'slow', 'stale'].includes(value),
  method: (value) => typeof value === 'string',
  path: (value) => typeof value === 'string' && value.length <= 200,
  message: (value) => typeof value === 'string',
  times: (value) => Number.isInteger(value) && value >= 1,
  skip: (value) => Number.isInteger(value) && value >= 0,
  seconds: (value) => Number.isInteger(value) && value >= 0,
  ms: (value) => Number.isInteger(value) && value >= 0 && value <= LONGEST_WAIT_MS,
};

export class Faults {
  #waiting = [];

  clear() {
    this.#waiting = [];
  }

  /**
   * @param {{ kind: string | number, method?: string, path?: string, times?: number, skip?: number, seconds?: number,
   *   ms?: number, message?: string }} fault
   * @param {Map<string, object[]>} [snapshot] the issue lists at this moment, by repository, for `stale`
   */
  add(fault, snapshot) {
    const checked = { ...fault, kind: String(fault.kind) };
    for (const [name, value] of Object.entries(checked)) {
      if (!FIELDS[name]?.(value)) throw new TypeError(`fault: ${name} cannot be ${JSON.stringify(value)}`);
    }
    if (this.#waiting.length >= MOST_FAULTS) throw new TypeError(`fault: more than ${MOST_FAULTS} wait`);
    this.#waiting.push({ times: 1, skip: 0, ...checked, pattern: new RegExp(checked.path ?? ''), snapshot });
  }

  /** The fault that this request meets, if any. It counts as met. */
  meet(request) {
    for (const fault of this.#waiting) {
      const meant = (MEANS[fault.kind]?.(request) ?? true)
        && (fault.method === undefined || fault.method === request.method) && fault.pattern.test(request.path);
      if (!meant) continue;
      if (fault.skip > 0) { fault.skip--; continue; }
      if (--fault.times === 0) this.#waiting.splice(this.#waiting.indexOf(fault), 1);
      return fault;
    }
    return undefined;
  }
}

/** The answer in place of the emulator's, or undefined when it is asked. */
export async function before(fault) {
  if (fault?.kind === 'slow') await sleep(fault.ms ?? 5_000);
  return BEFORE[fault?.kind]?.(fault);
}

export const after = (fault, answer) => AFTER[fault?.kind]?.(fault, answer) ?? answer;
