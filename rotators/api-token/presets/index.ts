import type { ApiDescription } from '../description.ts';
import { cloudflare, cloudflareAccount } from './cloudflare.ts';
import { entraClouds } from './entra.ts';
import { gitea, giteaOAuth } from './gitea.ts';
import { gitHubApp } from './github-app.ts';
import { gitLab, gitLabSelf, gitLabServiceAccount } from './gitlab.ts';
import { grafana } from './grafana.ts';
import { jupyterHub } from './jupyterhub.ts';
import { npm } from './npm.ts';

/** The descriptions that come with Keyturn. docs/api-token-presets.md says what each needs, and what is proven about it. */
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
