/**
 * The console imports other packages only here. The build bundles them into this file. So the console needs no packages
 * of its own where Keyturn is installed.
 */
export { getRequestListener } from '@hono/node-server';
export { type Context, Hono } from 'hono';
export { html } from 'hono/html';
export { streamSSE } from 'hono/streaming';
