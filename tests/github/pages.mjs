// A list cut into pages, with the Link header that GitHub gives.
import { reply } from './reply.mjs';

const DEFAULT_PAGE = 30;

/** @param {{ query: URLSearchParams, api: string, path: string }} request */
export function paged(rows, { query, api, path }) {
  const size = Number(query.get('per_page') ?? DEFAULT_PAGE);
  const page = Math.max(1, Number(query.get('page') ?? 1));
  const last = Math.max(1, Math.ceil(rows.length / size));
  const address = (number) => {
    const parameters = new URLSearchParams(query);
    parameters.set('page', String(number));
    return `<${api}${path}?${parameters}>`;
  };
  const links = [
    page > 1 && `${address(page - 1)}; rel="prev"`,
    page < last && `${address(page + 1)}; rel="next"`,
    page < last && `${address(last)}; rel="last"`,
    page > 1 && `${address(1)}; rel="first"`,
  ].filter(Boolean);
  return reply(200, rows.slice((page - 1) * size, page * size), links.length > 0 ? { link: links.join(', ') } : {});
}
