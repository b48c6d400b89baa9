// Repositories: two counts that the emulator leaves out.

async function get(x) {
  const answer = await x.forward();
  if (answer.status !== 200) return answer;
  const { forks_count, watchers_count } = answer.data;
  return { ...answer, data: { ...answer.data, network_count: forks_count, subscribers_count: watchers_count } };
}

export const repositories = { 'get /repos/{owner}/{repo}': get };
