import { printable } from '../cli/printable.ts';
import { isKeyturnError } from '../errors.ts';
import { loadAssets } from './assets.ts';
import { addEventStream } from './event-stream.ts';
import { Hono, html } from './library.ts';
import { failurePage } from './pages/layout.ts';
import { problem } from './pages/parts.ts';
import { addRotations } from './pages/rotations-routes.ts';
import { addSecret } from './pages/secret-routes.ts';
import { addSecrets } from './pages/secrets-routes.ts';
import { addStore } from './pages/store-routes.ts';
import { addWhoMay } from './pages/who-may-routes.ts';
import { type App, type AppParts, type Ctx, createRouting, type Env, Refused } from './routing.ts';

/** Makes the pages. Every request was admitted before, and has a session. */
export function createApp(parts: AppParts): App {
  const { base, worlds, note } = parts;
  const app = new Hono<Env>({ strict: false }).basePath(base);
  const routing = createRouting(parts);
  const { viewOf, formOf, sessionOf } = routing;
  const assets = loadAssets();

  app.onError(async (error, c: Ctx) => {
    if (error instanceof Refused) return c.text(error.message, 403);
    const view = viewOf(c);
    if (isKeyturnError(error)) {
      const title = error.code === 'SecretNotFound' ? 'There is no such secret' : 'That did not work';
      const status = error.code === 'SecretNotFound' ? 404 : error.code === 'AccessDenied' ? 403 : 502;
      return c.html(await failurePage(view, title, problem(error)), status);
    }
    routing.noteUnexpected(error);
    return c.html(await failurePage(view, 'Something went wrong in the console', problem(error)), 500);
  });
  app.notFound(async (c) =>
    c.html(
      await failurePage(
        viewOf(c),
        'There is no such page',
        html`<p>The address may be of another version.</p>`,
      ),
      404,
    ),
  );

  app.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.param('name'));
    if (asset === undefined) return c.notFound();
    return c.body(asset.body, 200, { 'Content-Type': asset.type });
  });

  addSecrets(app, routing);
  addSecret(app, routing);
  addStore(app, routing);
  addWhoMay(app, routing);
  addRotations(app, routing);
  addEventStream(app, routing);

  app.post('/act-as', async (c) => {
    const sent = await formOf(c, 'reads');
    const principal = worlds.principals.find((arn) => arn === sent.get('principal'));
    if (principal !== undefined) {
      sessionOf(c).principal = principal;
      note(`acts as ${printable(principal)} from now on`);
    }
    return c.redirect(`${base}/`, 303);
  });
  app.post('/lock', async (c) => {
    await formOf(c, 'reads');
    parts.sessions.close(sessionOf(c));
    return c.redirect('/', 303);
  });

  return app;
}
