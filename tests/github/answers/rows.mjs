// Issues and pull requests as one list, as GitHub sees them. The emulator keeps the two apart.

/** The emulator shows no issue id of a pull request; any number that no issue has will do. */
const PULL_ID_OFFSET = 1_000_000_000;

export const issueNumberOf = (comment) => Number(comment.issue_url.split('/').at(-1));

/** The comments on one issue or pull request, oldest first. */
export const commentsOn = (github, repository, number) => github.emulator.all(`/repos/${repository}/issues/${number}/comments`);

/** Every issue and pull request that still is in the repository, whatever its state, newest first. */
export async function rowsOf(github, repository) {
  const [issues, pulls] = await Promise.all([
    github.emulator.all(`/repos/${repository}/issues?state=all`),
    github.emulator.all(`/repos/${repository}/pulls?state=all`),
  ]);
  const pullRows = pulls.map(async (pull) => pullAsIssue(pull, await commentsOn(github, repository, pull.number)));
  return [...issues.map((issue) => withReason(github, repository, issue)), ...await Promise.all(pullRows)]
    .filter(({ number }) => !github.memory.isGone(repository, number))
    .sort((a, b) => b.number - a.number);
}

/** One pull request in the shape of an issue, or undefined when the number is not a pull request's. */
export async function pullRow(github, repository, number) {
  const { status, data } = await github.emulator.ask('GET', `/repos/${repository}/pulls/${number}`);
  if (status !== 200) return undefined;
  return pullAsIssue(data, await commentsOn(github, repository, number));
}

export function withReason({ memory }, repository, issue) {
  const reason = memory.reasons.get(`${repository}#${issue.number}`);
  return reason ? { ...issue, state_reason: reason } : issue;
}

function pullAsIssue(pull, comments) {
  const repositoryUrl = pull.issue_url.slice(0, -`/issues/${pull.number}`.length);
  const updates = [pull.updated_at, ...comments.map(({ updated_at }) => updated_at)];
  return {
    url: pull.issue_url,
    repository_url: repositoryUrl,
    labels_url: `${pull.issue_url}/labels{/name}`,
    comments_url: pull.comments_url,
    events_url: `${pull.issue_url}/events`,
    html_url: pull.html_url,
    timeline_url: `${pull.issue_url}/timeline`,
    id: PULL_ID_OFFSET + pull.id,
    node_id: pull.node_id,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    user: pull.user,
    labels: pull.labels,
    state: pull.state,
    state_reason: null,
    locked: pull.locked,
    active_lock_reason: null,
    assignee: pull.assignee,
    assignees: pull.assignees,
    milestone: pull.milestone,
    comments: comments.length,
    created_at: pull.created_at,
    updated_at: updates.sort().at(-1),
    closed_at: pull.closed_at,
    closed_by: null,
    author_association: pull.author_association,
    performed_via_github_app: null,
    draft: pull.draft,
    pull_request: {
      url: pull.url, html_url: pull.html_url, diff_url: pull.diff_url, patch_url: pull.patch_url, merged_at: pull.merged_at,
    },
  };
}
