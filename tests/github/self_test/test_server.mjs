// Starts the server for the self tests and speaks to it as a client would.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SERVE = fileURLToPath(new URL('../serve.mjs', import.meta.url));
export const REPO = '/repos/acme/gateway';
export const WRITE = { metadata: 'read', contents: 'read', issues: 'write', pull_requests: 'write', checks: 'write', security_events: 'write' };
export const READ = { metadata: 'read', contents: 'read', issues: 'read', pull_requests: 'read', checks: 'read' };

/** @returns {Promise<{ process: import('node:child_process').ChildProcess, lines: string[], api: string, upstream: string, control: string }>} */
export async function start(...args) {
  const child = spawn(process.execPath, [SERVE, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  const reader = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await Promise.race([
    once(reader, 'line'),
    once(child, 'exit').then(([code]) => { throw new Error(`serve.mjs ended with ${code} before it was ready`); }),
  ]);
  return { process: child, lines, ...JSON.parse(lines[0]) };
}

async function request(base, method, path, { body, raw, token, headers = {} } = {}) {
  const response = await fetch(base + path, {
    method, redirect: 'manual', body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    headers: { 'user-agent': 'self-test', ...(token && { authorization: `Bearer ${token}` }), ...headers },
  });
  const text = await response.text();
  let data = text;
  try { data = JSON.parse(text); } catch { /* the test looks at the text */ }
  return { status: response.status, headers: response.headers, data };
}

/** A server with a client on each of its three addresses. */
export class TestServer {
  static async start() {
    const server = new TestServer();
    server.started = await start();
    return server;
  }

  stop() {
    this.started.process.kill();
    return once(this.started.process, 'exit');
  }

  api = (method, path, options) => request(this.started.api, method, path, { token: this.token, ...options });
  upstream = (method, path, options) => request(this.started.upstream, method, path, { token: 'tok_acme', ...options });

  async control(method, path, body) {
    const { status, data } = await request(this.started.control, method, path, { body });
    assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(data)}`);
    return data;
  }

  refusedControl = (method, path, body) => request(this.started.control, method, path, { body });

  /** Back to the seed, with a new token that may write. */
  async fresh() {
    await this.control('POST', '/reset');
    this.token = await this.mint(WRITE);
  }

  mint = async (permissions, app) => (await this.control('POST', '/token', { permissions, ...(app && { app }) })).token;
  issue = async (values = {}, options = {}) => (await this.api('POST', `${REPO}/issues`, { body: { title: 'A finding', ...values }, ...options })).data;
  comment = async (number, body = 'hello', options = {}) => (await this.api('POST', `${REPO}/issues/${number}/comments`, { body: { body }, ...options })).data;
  list = async (query = '', options = {}) => (await this.api('GET', `${REPO}/issues${query}`, options)).data;
  numbers = async (query) => (await this.list(query)).map(({ number }) => number);
  fault = (fault) => this.control('POST', '/fault', fault);
  state = () => this.control('GET', '/state?repo=acme/gateway');

  /** A pull request that adds one file of two lines. */
  async pull({ branch = 'feature', label } = {}) {
    const base = (await this.upstream('GET', `${REPO}/git/ref/heads/main`)).data.object.sha;
    await this.upstream('POST', `${REPO}/git/refs`, { body: { ref: `refs/heads/${branch}`, sha: base } });
    const content = Buffer.from('tls: 1.2\nport: 8883\n').toString('base64');
    await this.upstream('PUT', `${REPO}/contents/${branch}.yaml`, { body: { message: 'add', branch, content } });
    const { data } = await this.upstream('POST', `${REPO}/pulls`, { body: { title: `Add ${branch}`, head: branch, base: 'main' } });
    if (label) await this.upstream('POST', `${REPO}/issues/${data.number}/labels`, { body: { labels: [label] } });
    return data;
  }

  /** Fails when anything broke the contract, on either side. */
  async clean() {
    assert.deepEqual(await this.control('GET', '/violations'), []);
  }

  async violations() {
    return (await this.control('GET', '/violations')).flatMap(({ errors }) => errors);
  }
}
