// Issues: one list with pull requests, exact filters, reasons of state, sizes, and the rights of outsiders.
import { invalid, reply } from '../reply.mjs';
import { paged } from '../pages.mjs';
import { guarded, isOutsider, refusedToOutsider } from './access.mjs';
import { canonicalLabels } from './labels.mjs';
import { tooLong } from './limits.mjs';
import { pullRow, rowsOf, withReason } from './rows.mjs';

const ISSUES = '/repos/{owner}/{repo}/issues';
const ISSUE = `${ISSUES}/{issue_number}`;

const same = (a, b) => a.toLowerCase() === b.toLowerCase();

/** @type {Record<string, (row: object, value: string) => boolean>} */
const FILTERS = {
  state: (row, value) => value === 'all' || row.state === value,
  labels: (row, value) => value.split(',').map((name) => name.trim()).filter(Boolean)
    .every((name) => row.labels.some((label) => same(label.name, name))),
  creator: (row, value) => same(row.user?.login ?? '', value),
  assignee: (row, value) => {
    if (value === 'none' || value === '*') return (row.assignees.length === 0) === (value === 'none');
    return row.assignees.some(({ login }) => same(login, value));
  },
  // GitHub's times have whole seconds.
  since: (row, value) => Math.floor(Date.parse(row.updated_at) / 1000) >= Math.floor(Date.parse(value) / 1000),
};

const SORT_KEYS = {
  created: (row) => row.created_at,
  updated: (row) => row.updated_at,
  comments: (row) => row.comments,
};

async function list(x, github) {
  const seen = await x.forward({ path: `${x.path}?per_page=1` }); // what this caller may see
  if (seen.status !== 200) return seen;
  for (const name of ['mentioned', 'milestone', 'type', 'issue_field_values']) {
    if (x.query.has(name)) x.violated([`query ${name}: not simulated, the answer ignores it`]);
  }
  const rows = x.snapshot ?? await rowsOf(github, x.repository);
  const wanted = { state: 'open', ...Object.fromEntries(x.query) };
  const filters = Object.entries(FILTERS).filter(([name]) => wanted[name] !== undefined);
  const kept = rows.filter((row) => filters.every(([name, keeps]) => keeps(row, wanted[name])));
  const key = SORT_KEYS[wanted.sort ?? 'created'];
  const sign = wanted.direction === 'asc' ? 1 : -1;
  const compare = (a, b) => (a < b ? -1 : Number(a > b));
  kept.sort((a, b) => sign * (compare(key(a), key(b)) || a.number - b.number));
  const page = paged(kept, x);
  return { ...page, headers: { ...seen.headers, link: undefined, ...page.headers } };
}

async function get(x, github) {
  const answer = await x.forward();
  if (answer.status === 404) {
    const pull = await pullRow(github, x.repository, x.number);
    if (pull) return { ...answer, status: 200, data: pull };
  }
  return answer.status === 200 ? { ...answer, data: withReason(github, x.repository, answer.data) } : answer;
}

async function create(x, github) {
  const body = { ...x.body, title: String(x.body.title) };
  const refusal = body.title.trim() === '' ? invalid('Issue', 'title', 'missing_field') : tooLong('Issue', body);
  if (refusal) return refusal;
  if (await isOutsider(x, github)) { // silently, as GitHub does
    for (const name of ['labels', 'assignees', 'assignee', 'milestone']) delete body[name];
  }
  if (body.labels) body.labels = await canonicalLabels(x, github, body.labels);
  return x.forward({ body });
}

async function update(x, github) {
  const before = await github.emulator.ask('GET', x.path);
  if (before.status !== 200) return updatePull(x, github);
  const { state, user } = before.data;
  const outsider = await refusedToOutsider(x, github, user?.login);
  if (outsider) return outsider;
  const body = { ...x.body };
  if (body.title !== undefined && body.title !== null) body.title = String(body.title);
  const refusal = body.title?.trim() === '' ? invalid('Issue', 'title', 'missing_field') : tooLong('Issue', body);
  if (refusal) return refusal;
  if (body.state === 'closed' && body.state_reason === 'reopened') return invalid('Issue', 'state_reason', 'invalid');

  const changes = body.state !== undefined && body.state !== state;
  const reason = changes && body.state === 'closed' ? body.state_reason : undefined;
  // The emulator applies a reason without a change of state, and does not know duplicates.
  delete body.state_reason;
  if (reason === 'not_planned') body.state_reason = reason;
  if (body.labels) body.labels = await canonicalLabels(x, github, body.labels);
  const answer = await x.forward({ body });
  if (answer.status !== 200) return answer;
  if (changes) github.memory.reasons.delete(`${x.repository}#${x.number}`);
  if (reason === 'duplicate') github.memory.reasons.set(`${x.repository}#${x.number}`, reason);
  return { ...answer, data: withReason(github, x.repository, answer.data) };
}

/** GitHub edits a pull request under an issue's address, and so do we: a client that does so by mistake shall do its harm. */
async function updatePull(x, github) {
  const pull = await pullRow(github, x.repository, x.number);
  if (!pull) return x.forward();
  const refusal = await refusedToOutsider(x, github, pull.user?.login) ?? tooLong('Issue', x.body);
  if (refusal) return refusal;
  const { title, body, state, labels } = x.body;
  const edited = await x.forward({ path: `/repos/${x.repository}/pulls/${x.number}`, body: { title, body, state } });
  if (edited.status !== 200) return edited;
  if (labels) {
    const set = await x.forward({ method: 'PUT', path: `${x.path}/labels`, body: { labels: await canonicalLabels(x, github, labels) } });
    if (set.status !== 200) return set;
  }
  return reply(200, await pullRow(github, x.repository, x.number), edited.headers);
}

export const issues = {
  [`get ${ISSUES}`]: guarded(list),
  [`post ${ISSUES}`]: guarded(create),
  [`get ${ISSUE}`]: guarded(get),
  [`patch ${ISSUE}`]: guarded(update),
};
