// Starts the emulator in this process, and speaks to it.
import { createSign, randomBytes, randomInt } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { createEmulator } from 'emulate';
import { appKey } from './keys.mjs';

/** Below the ports that systems hand out by themselves, so that a server started at the same moment cannot take it. */
export function* randomPorts() {
  for (let attempt = 0; attempt < 50; attempt++) yield randomInt(12_000, 29_001);
}

/** The emulator gives a token 5,000 requests and cannot be told otherwise; our own questions are spread over several. */
const OWN_TOKENS = 16;
const PAGE = 100;
const MOST_PAGES = 200;

/** @param {{ seed: object, api: string, ports?: Iterable<number> }} options `api` is the address in the emulator's answers. */
export async function startEmulator({ seed, api, ports = randomPorts() }) {
  const { tokens = {}, github = {}, collaborators = [] } = seed;
  const owner = github.repos?.[0]?.owner;
  if (!owner) throw new Error('the seed has no repository');
  const own = Array.from({ length: OWN_TOKENS }, () => `own_${randomBytes(16).toString('hex')}`);
  const apps = await Promise.all((github.apps ?? []).map(async (app) => ({ installations: [], ...app, private_key: await appKey(app.slug) })));
  const started = await listen(ports, {
    baseUrl: api,
    seed: {
      tokens: { ...tokens, ...Object.fromEntries(own.map((token) => [token, { login: owner }])) },
      github: { ...github, apps },
    },
  });
  const emulator = new Emulator(started, own, apps, collaborators, github.repos);
  await emulator.addCollaborators();
  return emulator;
}

async function listen(ports, options) {
  for (const port of ports) {
    // The emulator keeps its server to itself, so the only word of a port that is taken is an uncaught error one turn later.
    let failure;
    process.setUncaughtExceptionCaptureCallback((error) => { failure ??= error; });
    try {
      const emulator = await createEmulator({ service: 'github', port, ...options });
      await setImmediate();
      if (!failure) return { port, emulator };
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
    if (failure.code !== 'EADDRINUSE') throw failure;
  }
  throw new Error('no free port for the emulator');
}

class Emulator {
  /** The emulator hangs up after five idle seconds, so we do before it. */
  #agent = new Agent({ keepAlive: true, timeout: 2_000 });
  #emulator;
  #own;
  #turn = 0;
  #collaborators;

  constructor({ port, emulator }, own, apps, collaborators, repositories) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.apps = new Map(apps.map((app) => [app.slug, app]));
    this.repositories = repositories.map(({ owner, name }) => `${owner}/${name}`);
    this.#emulator = emulator;
    this.#own = own;
    this.#collaborators = collaborators;
  }

  /**
   * One request, by default with a token of the owner of the first repository.
   * @returns {Promise<{ status: number, headers: object, data: any }>} `data` is undefined when there is no JSON.
   */
  ask(method, path, { body, authorization, host } = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(authorization !== '' && { authorization: authorization ?? `Bearer ${this.#own[this.#turn++ % OWN_TOKENS]}` }),
      ...(host && { host }), // the emulator builds its Link header from it
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    return new Promise((resolve, reject) => {
      const question = httpRequest({ host: '127.0.0.1', port: this.port, agent: this.#agent, method, path, headers }, (answer) => {
        const chunks = [];
        answer.on('error', reject).on('data', (chunk) => chunks.push(chunk)).on('end', () => {
          const raw = Buffer.concat(chunks).toString();
          let data;
          try { data = raw === '' ? undefined : JSON.parse(raw); } catch {
            return reject(new Error(`no JSON from the emulator: ${raw.slice(0, 200)}`));
          }
          resolve({ status: answer.statusCode, headers: answer.headers, data });
        });
      });
      question.on('error', reject).end(text);
    });
  }

  /** Every row of a list, seen by the owner. A list of what does not exist is an error, unless none is said to be fine. */
  async all(path, { noneIsFine = false } = {}) {
    const rows = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const { status, data } = await this.ask('GET', `${path}${path.includes('?') ? '&' : '?'}per_page=${PAGE}&page=${page}`);
      if (status === 404 && noneIsFine) return rows;
      if (status !== 200) throw new Error(`${status} from the emulator for ${path}`);
      rows.push(...data);
      if (data.length < PAGE) return rows;
    }
    throw new Error(`more than ${MOST_PAGES} pages of ${path}`);
  }

  /** An installation token with exactly these permissions, or the emulator's refusal. */
  mint(slug, permissions) {
    const app = this.apps.get(slug);
    const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const claim = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iat: now - 30, exp: now + 300, iss: app.app_id })}`;
    const jwt = `${claim}.${createSign('RSA-SHA256').update(claim).sign(app.private_key).toString('base64url')}`;
    return this.ask('POST', `/app/installations/${app.installations[0].installation_id}/access_tokens`, {
      authorization: `Bearer ${jwt}`, body: { permissions },
    });
  }

  async addCollaborators() {
    for (const { repository, login, permission } of this.#collaborators) {
      const { status } = await this.ask('PUT', `/repos/${repository}/collaborators/${login}`, { body: { permission } });
      if (status !== 201) throw new Error(`${status} from the emulator for collaborator ${login}`);
    }
  }

  /** Back to the seed. Tokens of installations end, tokens of users stay. */
  async reset() {
    this.#emulator.reset();
    await this.addCollaborators();
  }

  close() {
    this.#agent.destroy();
    return this.#emulator.close();
  }
}
