// Rights that the emulator does not check: it lets any user write to any public repository.
import { mustBeAdmin, notAccessible, notFound, problem } from '../reply.mjs';
import { permits } from '../callers.mjs';
import { issueNumberOf, pullRow } from './rows.mjs';

const WRITERS = ['admin', 'maintain', 'push', 'write', 'triage'];

/** A user without the right to change what others wrote. Installation tokens are held to their permissions instead. */
export async function isOutsider(x, github) {
  if (x.caller.kind !== 'user') return false;
  const { status, data } = await github.emulator.ask('GET', `/repos/${x.repository}/collaborators/${x.caller.login}/permission`);
  return status !== 200 || !WRITERS.includes(data.permission);
}

/** The refusal when an outsider changes labels, or a thing that somebody else wrote. */
export async function refusedToOutsider(x, github, author) {
  return author !== x.caller.login && await isOutsider(x, github) ? mustBeAdmin() : undefined;
}

/** Comments on a pull request need either permission, comments on an issue need `issues`. The emulator takes either for both. */
export async function refusedComment(x, github, number) {
  if (permits(x.caller, ['issues'])) return undefined;
  if (permits(x.caller, ['pull_requests']) && await pullRow(github, x.repository, number)) return undefined;
  return notAccessible();
}

/** The refusal of every operation on an issue that left the repository, or undefined. Comments do not redirect. */
export function refusedGone(x, { memory }, number = x.number) {
  const status = memory.gone.get(`${x.repository}#${number}`);
  if (status === 301 && x.found.operation.responses[301]) {
    const url = `${x.api}${x.prefix}/repositories/999999/issues/${number}`;
    const moved = problem(301, 'Moved Permanently', { location: url });
    return { ...moved, data: { ...moved.data, url } };
  }
  if (status === 410) return problem(410, 'This issue was deleted');
  return status === undefined ? undefined : notFound();
}

/** With issues disabled, only pull requests answer under `/issues`. */
async function refusedDisabled(x, github) {
  if (github.memory.settings.issues_enabled) return undefined;
  if (x.number !== undefined && await pullRow(github, x.repository, x.number)) return undefined;
  return problem(410, 'Issues are disabled for this repo');
}

/** The comment that a request names with the number of its issue, or undefined. */
export async function commentNamed(x, github) {
  const { status, data } = await github.emulator.ask('GET', `/repos/${x.repository}/issues/comments/${x.variables.comment_id}`);
  return status === 200 ? { ...data, number: issueNumberOf(data) } : undefined;
}

/** An operation under `/issues`, refused where issues are disabled and where the issue is gone. */
export const guarded = (answer) => async (x, github) =>
  await refusedDisabled(x, github) ?? refusedGone(x, github) ?? answer(x, github);
