import { isKeyturnError } from '../../errors.ts';
import { told } from '../answered.ts';
import { findPage, type ListQuery, secretStates } from '../inventory.ts';
import { type App, type Ctx, listWaitMs, type Routing } from '../routing.ts';
import { listingPage, secretsPage, unlistedPage } from './secrets.ts';

/** Adds the list of all secrets. */
export function addSecrets(app: App, { base, worldOf, viewOf, page, activity }: Routing): void {
  app.get('/', async (c) => {
    const world = worldOf(c);
    if (c.req.query('fresh') !== undefined) {
      world.inventory.forget();
      // Otherwise each update of the page would list the secrets again.
      const query = new URLSearchParams(new URL(c.req.url).search);
      query.delete('fresh');
      return c.redirect(`${base}/${query.size === 0 ? '' : `?${query}`}`, 303);
    }
    const looked = await told(world.inventory.look(listWaitMs));
    if (!looked.ok && !isKeyturnError(looked.error, 'AccessDenied')) throw looked.error;
    const view = viewOf(c);
    if (!looked.ok) {
      const body = unlistedPage(view, looked.error);
      return page(c, view, { title: 'Secrets', active: 'secrets', body }, 403);
    }
    const listing = looked.value;
    if (listing === undefined) {
      const body = listingPage(world.inventory.progress);
      return page(c, view, { title: 'Secrets', active: 'secrets', body });
    }
    const query = readQuery(c);
    const found = findPage(listing, query, activity, view.nowMs);
    const body = secretsPage(view, query, found, view.nowMs - (Date.now() - listing.listedAt));
    return page(c, view, { title: 'Secrets', active: 'secrets', live: 'all', body });
  });
}

function readQuery(c: Ctx): ListQuery {
  const [state, sort] = [c.req.query('state'), c.req.query('sort')];
  return {
    search: (c.req.query('q') ?? '').slice(0, 200),
    state: secretStates.find((name) => name === state),
    tag: c.req.query('tag') || undefined,
    sort: (['attention', 'name', 'age', 'next'] as const).find((name) => name === sort) ?? 'attention',
    page: Number(c.req.query('page')) || 1,
  };
}
