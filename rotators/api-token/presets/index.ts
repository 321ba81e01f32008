import type { ApiDescription } from '../description.ts';
import { cloudflare } from './cloudflare.ts';
import { entra } from './entra.ts';
import { gitHubApp } from './github-app.ts';
import { gitLab, gitLabSelf } from './gitlab.ts';
import { grafana } from './grafana.ts';
import { jupyterHub } from './jupyterhub.ts';
import { npm } from './npm.ts';

/** The APIs whose descriptions come with Keyturn. */
export const presets: readonly ApiDescription[] = [
  cloudflare,
  entra,
  gitHubApp,
  gitLab,
  gitLabSelf,
  grafana,
  jupyterHub,
  npm,
];
