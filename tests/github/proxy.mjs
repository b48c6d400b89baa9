// What the client under test speaks to: checks, records and disturbs its requests, and corrects the emulator's answers.
import { createHash } from 'node:crypto';
import { ANSWERS } from './answers/index.mjs';
import { graphql } from './answers/graphql.mjs';
import { readBody } from './body.mjs';
import { after, before } from './faults.mjs';
import { notAccessible, notFound, prefixedLink, problem, reply, reworded, tidied } from './reply.mjs';

/** GitHub takes 10 MB of SARIF; with its base64 and quotes a request is below this. */
const LARGEST_BODY = 12 * 1024 * 1024;
const KEPT_HEADERS = ['link', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'x-ratelimit-resource'];
const HAS_PREFIX = /^\/api\/v3(?=\/)/;
const GRAPHQL = /^\/(api\/)?graphql$/;
/** Where a transferred issue redirects to: a repository that the caller may not read. */
const ELSEWHERE = /^\/repositories\/\d+\/issues\/\d+$/;

/**
 * @typedef {object} Github everything that answers share
 * @property {import('./emulator.mjs').Emulator} emulator
 * @property {import('./memory.mjs').Memory} memory
 * @property {import('./callers.mjs').Callers} callers
 * @property {import('./faults.mjs').Faults} faults
 * @property {import('./contract.mjs').Contract} contract
 * @property {string} api address of the proxy
 */

export class Proxy {
  #github;
  #writing = Promise.resolve();

  /** @param {Github} github */
  constructor(github) {
    this.#github = github;
  }

  async handle(request, response) {
    const at = Math.round(performance.now() * 1000) / 1000;
    try {
      const x = await this.#read(request, at);
      const sent = await this.#answer(x);
      x.record.status = sent.cut ? 0 : sent.status;
      this.#send(response, request, x, sent);
    } catch (error) {
      console.error(error);
      if (!response.headersSent) send(response, problem(599, `the test server failed: ${error.message}`));
    }
  }

  async #read(request, at) {
    const url = new URL(request.url, this.#github.api);
    const { raw, size, tooLarge } = await readBody(request, LARGEST_BODY);
    const prefix = HAS_PREFIX.exec(url.pathname)?.[0] ?? '';
    const path = url.pathname.slice(prefix.length);
    let body, malformed = false;
    if (raw.length > 0) {
      try { body = JSON.parse(raw); } catch { malformed = true; body = { malformed: raw.toString().slice(0, 1000) }; }
    }
    const asked = { method: request.method, path, prefix, query: url.searchParams, body, size };
    const record = this.#github.memory.record(asked, at);
    const caller = this.#github.callers.identify(request.headers.authorization);
    if (caller.login) record.user = caller.login;
    return { ...asked, tooLarge, malformed, record, caller, headers: request.headers, api: this.#github.api };
  }

  /** The reply to a request, with what a fault makes of it. */
  async #answer(x) {
    const { memory, faults } = this.#github;
    if (!x.headers['user-agent']) {
      memory.violation('request', x, ['no User-Agent header']);
      return problem(403, 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.');
    }
    if (x.tooLarge) return problem(413, 'Payload too large');
    if (x.caller.refusal) return x.caller.refusal;
    if (x.malformed) {
      memory.violation('request', x, ['body: not JSON']);
      return problem(400, 'Problems parsing JSON');
    }
    if (ELSEWHERE.test(x.path)) return notFound();
    const operation = this.#operation(x);
    if (operation.refusal) return operation.refusal;
    const fault = faults.meet(x);
    if (fault) x.record.fault = fault.kind;
    const instead = await before(fault);
    if (instead) return instead;
    const answer = await this.#inTurn(x, () => this.#corrected({ ...x, ...operation, snapshotOf: fault?.snapshot }));
    return after(fault, answer);
  }

  /** What the request means in the contract, or the refusal of a request that breaks it. */
  #operation(x) {
    const { contract, memory } = this.#github;
    if (x.method === 'POST' && GRAPHQL.test(x.path)) return { answer: graphql };
    const found = contract.find(x.method, x.path);
    const errors = found ? contract.faultsOfRequest(found, x.query, x.body) : ['not an operation of the contract'];
    memory.violation('request', x, errors);
    if (!found && x.path === '/user' && x.caller.kind === 'installation') return { refusal: notAccessible() };
    if (errors.length > 0) {
      const refusal = problem(422, 'Refused by the contract');
      return { refusal: { ...refusal, data: { ...refusal.data, errors: errors.map((message) => ({ message })) } } };
    }
    return { found, answer: ANSWERS[found.key] ?? ((exchange) => exchange.forward()) };
  }

  /** Corrections read, decide and write, so writes go one after the other. */
  #inTurn(x, work) {
    if (x.method === 'GET') return work();
    const turn = this.#writing.then(work);
    this.#writing = turn.catch(() => {});
    return turn;
  }

  async #corrected(x) {
    const { memory, contract, api } = this.#github;
    const variables = x.found?.path ?? {};
    const repository = variables.repo && `${variables.owner}/${variables.repo}`;
    const exchange = {
      ...x, variables, repository,
      number: variables.issue_number === undefined ? undefined : Number(variables.issue_number),
      snapshot: x.snapshotOf?.get(repository),
      forward: (changes) => this.#forward(x, changes),
      violated: (errors) => memory.violation('request', x, errors),
    };
    const { status, data, headers } = reworded(await x.answer(exchange, this.#github), x.caller);
    const kept = Object.fromEntries(KEPT_HEADERS.filter((name) => headers[name]).map((name) => [name, headers[name]]));
    if (kept.link) kept.link = prefixedLink(kept.link, api, x.prefix);
    if (headers.location) kept.location = headers.location;
    const answer = reply(status, tidied(data, api, x.prefix), kept);
    if (x.found) memory.violation('answer', x, contract.faultsOfAnswer(x.found, status, answer.data));
    return answer;
  }

  /** The emulator's answer to the caller, to the request as it came or with changes. */
  #forward(x, { method = x.method, path = x.path + (x.query.size > 0 ? `?${x.query}` : ''), body = x.body } = {}) {
    return this.#github.emulator.ask(method, path, {
      body: method === 'GET' ? undefined : body,
      authorization: x.headers.authorization ?? '',
      host: new URL(this.#github.api).host,
    });
  }

  #send(response, request, x, sent) {
    if (sent.cut) return request.socket.destroy();
    if (x.method !== 'GET' || sent.status !== 200 || sent.raw !== undefined) return send(response, sent);
    const etag = `W/"${createHash('sha256').update(JSON.stringify(sent.data)).digest('hex')}"`;
    if (x.headers['if-none-match'] !== etag) return send(response, sent, { etag });
    x.record.status = 304;
    return send(response, { ...sent, status: 304, data: undefined }, { etag });
  }
}

function send(response, { status, data, raw, headers }, more = {}) {
  const text = raw ?? (data === undefined ? '' : JSON.stringify(data));
  response.writeHead(status, {
    ...(text !== '' && { 'content-type': 'application/json; charset=utf-8' }),
    ...(status !== 204 && status !== 304 && { 'content-length': Buffer.byteLength(text) }),
    ...headers, ...more,
  });
  response.end(text);
}
