// Check runs: only apps may write them, annotations add up, and a conclusion completes a run.
import { problem } from '../reply.mjs';

const RUNS = '/repos/{owner}/{repo}/check-runs';

const write = async (x, { memory }) => {
  if (x.caller.kind === 'user') return problem(403, 'You must authenticate via a GitHub App.');
  const body = x.body.conclusion && !x.body.status ? { ...x.body, status: 'completed' } : x.body;
  const answer = await x.forward({ body });
  if (answer.status >= 300) return answer;
  const { id, output } = answer.data;
  const count = (memory.annotations.get(id) ?? 0) + (x.body.output?.annotations?.length ?? 0);
  memory.annotations.set(id, count);
  const annotations_url = `${x.api}/repos/${x.repository}/check-runs/${id}/annotations`;
  return { ...answer, data: { ...answer.data, output: { ...output, annotations_count: count, annotations_url } } };
};

export const checks = {
  [`post ${RUNS}`]: write,
  [`patch ${RUNS}/{check_run_id}`]: write,
};
