// What the proxy knows beyond the emulator: what it was told by the control API, and what it has seen.

const MOST_RECORDS = 10_000;
const MOST_VIOLATIONS = 1_000;
const MOST_SARIFS = 50;
/** A recorded body above this is replaced by its size. SARIF documents are kept apart. */
const LARGEST_RECORDED_BODY = 1_000_000;

const SETTINGS = { issues_enabled: true, locked_forbids: false, sarif_enabled: true };

const push = (list, entry, most) => {
  list.push(entry);
  if (list.length > most) list.shift();
};

export class Memory {
  constructor() {
    this.requests = [];
    this.violations = [];
    this.#forget();
  }

  /** @type {{ issues_enabled: boolean, locked_forbids: boolean, sarif_enabled: boolean }} */
  settings;
  /** Reasons of state that the emulator cannot hold, by `owner/repo#number`. @type {Map<string, string>} */
  reasons;
  /** Status with which an issue that was transferred or deleted answers, by `owner/repo#number`. @type {Map<string, number>} */
  gone;
  /** Node ids of comments that were minimized. @type {Set<string>} */
  minimized;
  /** Annotations that a check run has, over all its updates. @type {Map<number, number>} */
  annotations;
  sarifs;

  #forget() {
    this.settings = { ...SETTINGS };
    this.reasons = new Map();
    this.gone = new Map();
    this.minimized = new Set();
    this.annotations = new Map();
    this.sarifs = [];
  }

  /** As `clear`, and back to the seed. */
  reset() {
    this.clear();
    this.#forget();
  }

  clear() {
    this.requests.length = 0;
    this.violations.length = 0;
  }

  /** @returns {object} the record, to which the status is added when the request was answered */
  record({ method, path, prefix, query, body, size }, at) {
    const record = {
      method, path, prefix, query: Object.fromEntries(query),
      body: size > LARGEST_RECORDED_BODY ? { omitted_bytes: size } : body,
      status: null, at,
    };
    push(this.requests, record, MOST_RECORDS);
    return record;
  }

  violation(side, { method, path }, errors) {
    if (errors.length > 0) push(this.violations, { side, method, path, errors }, MOST_VIOLATIONS);
  }

  sarif(upload) {
    push(this.sarifs, upload, MOST_SARIFS);
  }

  isGone(repository, number) {
    return this.gone.has(`${repository}#${number}`);
  }
}
