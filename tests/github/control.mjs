// The other side of the server, for the test: what shall happen, and what did happen.
import { readBody } from './body.mjs';
import { commentsOn, rowsOf } from './answers/rows.mjs';

const LARGEST_BODY = 1024 * 1024;
const GONE = { transfer: [301, 404], delete: [410, 404] };

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const wanted = (condition, message) => { if (!condition) throw new Refused(400, message); };

/** @param {import('./proxy.mjs').Github} github */
export function controls(github) {
  const { emulator, memory, callers, faults } = github;
  const clear = () => { memory.clear(); faults.clear(); return {}; };
  const leave = (kind) => ({ repo, number, status = GONE[kind][0] }) => {
    wanted(typeof repo === 'string' && Number.isInteger(number), `${kind}: repo and number are needed`);
    wanted(GONE[kind].includes(status), `${kind}: status is one of ${GONE[kind]}`);
    memory.gone.set(`${repo}#${number}`, status);
    return {};
  };
  return {
    'POST /token': async ({ app = 'github-actions', permissions }) => {
      wanted(emulator.apps.has(app), `token: no app ${app}`);
      wanted(permissions && typeof permissions === 'object', 'token: permissions are needed');
      const { status, data } = await emulator.mint(app, permissions);
      if (status !== 201) throw new Refused(status, data.message);
      callers.addInstallation(data.token, app, permissions);
      return { token: data.token };
    },
    'GET /app': (_body, query) => {
      const app = emulator.apps.get(query.get('slug'));
      wanted(app, `app: no app ${query.get('slug')}`);
      return { id: app.app_id, private_key: app.private_key };
    },
    'POST /fault': async (fault) => {
      try { faults.add(fault, fault.kind === 'stale' ? await snapshot(github) : undefined); } catch (error) {
        throw error instanceof TypeError || error instanceof SyntaxError ? new Refused(400, error.message) : error;
      }
      return {};
    },
    'GET /requests': () => memory.requests,
    'POST /requests/clear': () => { memory.requests.length = 0; return {}; },
    'GET /violations': () => memory.violations,
    'POST /clear': clear,
    'POST /reset': async () => {
      await emulator.reset();
      callers.forgetInstallations();
      memory.reset();
      faults.clear();
      return {};
    },
    'POST /settings': (settings) => {
      for (const [name, value] of Object.entries(settings)) {
        wanted(name in memory.settings && typeof value === 'boolean', `settings: ${name} cannot be ${JSON.stringify(value)}`);
      }
      return Object.assign(memory.settings, settings);
    },
    'GET /sarifs': () => memory.sarifs,
    'POST /transfer': leave('transfer'),
    'POST /delete': leave('delete'),
    'GET /state': async (_body, query) => {
      wanted(emulator.repositories.includes(query.get('repo')), `state: no repository ${query.get('repo')}`);
      return state(github, query.get('repo'));
    },
  };
}

async function snapshot(github) {
  const lists = await Promise.all(github.emulator.repositories.map(async (name) => [name, await rowsOf(github, name)]));
  return new Map(lists);
}

/** What a repository holds, in few words, oldest first. */
async function state(github, repository) {
  const summary = async (row) => ({
    number: row.number,
    title: row.title,
    state: row.state,
    state_reason: row.state_reason,
    labels: row.labels.map(({ name }) => name),
    user: row.user?.login ?? null,
    body: row.body,
    comments: (await commentsOn(github, repository, row.number)).map(({ id, user, body, node_id }) => ({
      id, user: user?.login ?? null, body, ...(github.memory.minimized.has(node_id) && { minimized: true }),
    })),
    locked: row.locked,
  });
  const rows = (await rowsOf(github, repository)).toReversed();
  const [issues, pulls] = await Promise.all([false, true].map((pull) =>
    Promise.all(rows.filter((row) => Boolean(row.pull_request) === pull).map(summary))));
  return { issues, pulls };
}

export const controlHandler = (github) => {
  const known = controls(github);
  return async (request, response) => {
    const answer = (status, data) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(data));
    try {
      const url = new URL(request.url, github.api);
      const control = known[`${request.method} ${url.pathname}`];
      if (!control) throw new Refused(404, `no control ${request.method} ${url.pathname}`);
      const { raw, tooLarge } = await readBody(request, LARGEST_BODY);
      if (tooLarge) throw new Refused(413, 'body too large');
      answer(200, await control(raw.length > 0 ? JSON.parse(raw) : {}, url.searchParams));
    } catch (error) {
      answer(error.status ?? (error instanceof SyntaxError ? 400 : 500), { message: error.message });
    }
  };
};
