import type { ApiDescription } from '../description.ts';
import { cloudflare, cloudflareAccount } from './cloudflare.ts';
import { entraClouds } from './entra.ts';
import { gitea, giteaOAuth } from './gitea.ts';
import { gitHubApp } from './github-app.ts';
import { gitLab, gitLabSelf, gitLabServiceAccount } from './gitlab.ts';
import { grafana } from './grafana.ts';
import { jupyterHub } from './jupyterhub.ts';
import { npm } from './npm.ts';

/** The APIs whose descriptions come with Keyturn. docs/api-token.md says what each needs and what proved it. */
export const presets: readonly ApiDescription[] = [
  cloudflare,
  cloudflareAccount,
  ...entraClouds,
  gitea,
  giteaOAuth,
  gitHubApp,
  gitLab,
  gitLabServiceAccount,
  gitLabSelf,
  grafana,
  jupyterHub,
  npm,
];
