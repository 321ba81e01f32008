import { stateOf } from '../inventory.ts';
import { type App, listWaitMs, type Routing } from '../routing.ts';
import { rotationsPage } from './rotations.ts';
import { listingPage } from './secrets.ts';

/** Adds the page with the calendar of rotations and the feed of what happens. */
export function addRotations(app: App, { worldOf, viewOf, page, activity, isExact }: Routing): void {
  app.get('/rotations', async (c) => {
    const listing = await worldOf(c).inventory.look(listWaitMs);
    const view = viewOf(c);
    if (listing === undefined) {
      const body = listingPage(worldOf(c).inventory.progress);
      return page(c, view, { title: 'Rotations', active: 'rotations', body });
    }
    const rows = listing.secrets.map((secret) => ({ secret, state: stateOf(secret, activity, view.nowMs) }));
    const names = new Map(listing.secrets.map(({ arn, name }) => [arn, name]));
    const body = rotationsPage(view, rows, activity.feed, names, isExact);
    return page(c, view, { title: 'Rotations', active: 'rotations', live: 'all', body });
  });
}
