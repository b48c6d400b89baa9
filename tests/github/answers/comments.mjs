// Comments on issues and pull requests: sizes, locks, `since`, and who may write.
import { notFound, problem } from '../reply.mjs';
import { paged } from '../pages.mjs';
import { commentNamed, guarded, refusedComment, refusedGone, refusedToOutsider } from './access.mjs';
import { tooLong } from './limits.mjs';
import { commentsOn } from './rows.mjs';

const COMMENTS = '/repos/{owner}/{repo}/issues/{issue_number}/comments';
const COMMENT = '/repos/{owner}/{repo}/issues/comments/{comment_id}';

async function list(x, github) {
  const seen = await x.forward({ path: `${x.path}?per_page=1` });
  if (seen.status !== 200) return seen;
  const since = x.query.has('since') ? Math.floor(Date.parse(x.query.get('since')) / 1000) : 0;
  const rows = await commentsOn(github, x.repository, x.number);
  const page = paged(rows.filter(({ updated_at }) => Math.floor(Date.parse(updated_at) / 1000) >= since), x);
  return { ...page, headers: { ...seen.headers, link: undefined, ...page.headers } };
}

async function create(x, github) {
  const refusal = tooLong('IssueComment', x.body) ?? await refusedLocked(x, github) ?? await refusedComment(x, github, x.number);
  return refusal ?? x.forward();
}

async function refusedLocked(x, github) {
  if (!github.memory.settings.locked_forbids) return undefined;
  const { data } = await github.emulator.ask('GET', x.path.replace(/\/comments$/, ''));
  return data?.locked ? problem(403, 'Unable to create comment because issue is locked.') : undefined;
}

/** Editing and deleting name the comment alone; the issue that it belongs to decides all the same. */
const named = (answer) => async (x, github) => {
  const comment = await commentNamed(x, github);
  if (!comment) return x.forward();
  const onIssue = { ...x, number: comment.number };
  if (refusedGone(onIssue, github)) return notFound();
  return guarded(async () => await refusedToOutsider(x, github, comment.user?.login)
    ?? await refusedComment(x, github, comment.number) ?? answer(x))(onIssue, github);
};

export const comments = {
  [`get ${COMMENTS}`]: guarded(list),
  [`post ${COMMENTS}`]: guarded(create),
  [`patch ${COMMENT}`]: named((x) => tooLong('IssueComment', x.body) ?? x.forward()),
  [`delete ${COMMENT}`]: named((x) => x.forward()),
};
