// Labels: GitHub keeps the case of a name and ignores it when comparing; the emulator compares exactly.
import { invalid } from '../reply.mjs';
import { guarded, refusedToOutsider } from './access.mjs';
import { badColor, tooLong } from './limits.mjs';

const LABELS = '/repos/{owner}/{repo}/labels';
const ISSUE_LABELS = '/repos/{owner}/{repo}/issues/{issue_number}/labels';

async function known(x, github) {
  const labels = await github.emulator.all(`/repos/${x.repository}/labels`, { noneIsFine: true });
  return new Map(labels.map(({ name }) => [name.toLowerCase(), name]));
}

/** Names as the repository spells them. @param {(string | { name?: string })[]} labels */
export async function canonicalLabels(x, github, labels) {
  const names = await known(x, github);
  const given = labels.map((label) => (typeof label === 'string' ? label : label.name ?? ''));
  const canonical = given.map((name) => names.get(name.toLowerCase()) ?? name);
  return canonical.filter((name, i) => canonical.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === i);
}

const spelt = async (x, github, name) => encodeURIComponent((await known(x, github)).get(name.toLowerCase()) ?? name);

async function create(x, github) {
  const refusal = await refusedToOutsider(x, github) ?? tooLong('Label', x.body) ?? badColor(x.body);
  if (refusal) return refusal;
  const existing = (await known(x, github)).get(x.body.name.trim().toLowerCase());
  // Asked under the known name, so that a caller without the right still gets its 403.
  const answer = await x.forward({ body: { ...x.body, name: existing ?? x.body.name } });
  if (answer.status !== 422) return answer;
  return invalid('Label', 'name', existing ? 'already_exists' : 'missing_field');
}

async function get(x, github) {
  return x.forward({ path: `/repos/${x.repository}/labels/${await spelt(x, github, x.variables.name)}` });
}

async function add(x, github) {
  const refusal = await refusedToOutsider(x, github);
  if (refusal) return refusal;
  const labels = await canonicalLabels(x, github, x.body.labels ?? []);
  return tooLong('Label', { name: labels.find((name) => tooLong('Label', { name })) }) ?? x.forward({ body: { labels } });
}

async function remove(x, github) {
  const refusal = await refusedToOutsider(x, github);
  if (refusal) return refusal;
  const answer = await x.forward({ path: `/repos/${x.repository}/issues/${x.number}/labels/${await spelt(x, github, x.variables.name)}` });
  return answer.status === 404 ? { ...answer, data: { ...answer.data, message: 'Label does not exist' } } : answer;
}

export const labels = {
  [`post ${LABELS}`]: create,
  [`get ${LABELS}/{name}`]: get,
  [`post ${ISSUE_LABELS}`]: guarded(add),
  [`delete ${ISSUE_LABELS}/{name}`]: guarded(remove),
};
