// Pull requests: the emulator says that none of them changes a file.
import { paged } from '../pages.mjs';
import { pullRow } from './rows.mjs';

const PULL = '/repos/{owner}/{repo}/pulls/{pull_number}';

async function filesOf(github, repository, pull) {
  const { status, data } = await github.emulator.ask('GET', `/repos/${repository}/compare/${pull.base.sha}...${pull.head.sha}`);
  return status === 200 ? data.files : [];
}

const sum = (files, key) => files.reduce((total, file) => total + file[key], 0);

async function get(x, github) {
  const answer = await x.forward();
  if (answer.status !== 200) return answer;
  const changed = await filesOf(github, x.repository, answer.data);
  const { comments } = await pullRow(github, x.repository, x.variables.pull_number);
  const counts = { comments, changed_files: changed.length, additions: sum(changed, 'additions'), deletions: sum(changed, 'deletions') };
  return { ...answer, data: { ...answer.data, ...counts } };
}

async function files(x, github) {
  const pull = await x.forward({ path: x.path.replace(/\/files$/, '') });
  if (pull.status !== 200) return pull;
  const page = paged(await filesOf(github, x.repository, pull.data), x);
  return { ...page, headers: { ...pull.headers, ...page.headers } };
}

export const pulls = {
  [`get ${PULL}`]: get,
  [`get ${PULL}/files`]: files,
};
