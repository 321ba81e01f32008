import { once } from 'node:events';
import { createServer } from 'node:http';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { randomRotators } from '../../rotators/random/index.ts';
import { sqlServer } from '../../rotators/sqlserver/index.ts';
import { createRotationHandler } from '../../src/index.ts';
import type { LocalFunction } from '../../src/local/index.ts';
import { allow, deny, policy, root, user } from '../local/access-harness.ts';
import { plainRotation } from '../local/harness.ts';
import { standInHarness } from '../support/tds/harness.ts';
import { describeInBrowser, launch, openConsole, startHarness } from './harness.ts';

let browser: Browser;

/** Every breach of WCAG 2.2 A and AA on the page, in words. */
async function breaches(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: unknown = await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
      .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
  );
  return Array.isArray(found) ? found.map(String) : ['axe gave no answer'];
}

/** Presses the button or the link of this name. */
async function press(page: Page, name: string): Promise<void> {
  await page.locator(`button:has-text("${name}"), a:has-text("${name}")`).first().click();
}

async function textOf(page: Page, selector = 'main'): Promise<string> {
  return (await page.textContent(selector)) ?? '';
}

describeInBrowser('the console in a browser', () => {
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  it('stores the connection string of a SQL Server through all screens, shows its first rotation live, and its value', async () => {
    const server = await standInHarness();
    onTestFinished(() => server.stop());
    const harness = await startHarness();
    const { local, client, notes } = harness;
    const handler = createRotationHandler({ rotators: [sqlServer(server.options)], client });
    const arn = local.registerFunction('keyturn', handler);
    const login = await server.createLogin('orders');
    const { host, port, dbname } = server.secretOf(login);
    const { password } = login;
    const connectionString = `Server=tcp:${host},${port};Initial Catalog=${dbname};User ID=${login.username};Password=${password};Encrypt=True`;
    const { page, asked, complaints } = await openConsole(browser, harness.console.address());
    expect(page.url()).not.toContain('token');
    expect(await textOf(page)).toContain('There are no secrets yet.');

    // 1. Kind and value: the password is dots while it is typed, and the rest can be read.
    await press(page, 'Store a new secret');
    await press(page, 'SQL Server');
    await press(page, 'As a connection string');
    await page.fill('#text', connectionString);
    await page.waitForSelector('[data-verdict][data-ok="true"]');
    const picture = await textOf(page, '.typed pre');
    expect(picture).toContain(
      `User ID=${login.username};Password=${'•'.repeat(password.length)};Encrypt=True`,
    );
    expect(picture).not.toContain(password);
    expect(await textOf(page, '[data-verdict]')).toContain(
      `an ADO.NET connection string for ${login.username}`,
    );
    expect(await breaches(page)).toEqual([]);
    await press(page, 'Next');

    // 2. Name and the rest.
    await page.fill('#name', 'prod/orders/SqlServer');
    await page.fill('#description', 'The database of orders');
    await page.fill('#tag-key-0', 'team');
    await page.fill('#tag-value-0', 'orders');
    expect(await breaches(page)).toEqual([]);
    await press(page, 'Next');

    // 3. Rotation, the first one at once.
    await page.check('#rotates');
    await page.fill('#function', arn);
    await page.fill('#every', '30d');
    expect(await breaches(page)).toEqual([]);
    await press(page, 'Next');

    // 4. The review has everything but the value.
    const review = await textOf(page);
    for (const shown of [
      'prod/orders/SqlServer',
      'The database of orders',
      'team = orders',
      'Every 30 days',
      'aws secretsmanager create-secret',
      'AWS::SecretsManager::Secret',
      'aws-cdk-lib',
      'aws_secretsmanager_secret_version',
    ])
      expect(review).toContain(shown);
    expect(await page.content()).not.toContain(password);
    expect(await breaches(page)).toEqual([]);
    await press(page, 'Store it');

    // 5. Stored. The page shows its rotation to the end without being loaded again.
    await page.waitForSelector('.run[data-state="succeeded"]', { timeout: 40_000 });
    expect(await page.locator('.steps .done').count()).toBe(4);
    expect(await textOf(page)).toContain('get_secret_value');
    expect(await breaches(page)).toEqual([]);

    // The new password is read, and opens the server.
    await press(page, 'Look at it');
    expect(await page.locator('.version-picture .move').count()).toBe(1);
    expect(await breaches(page)).toEqual([]);
    const { SecretString: now = '' } = await client.getSecretValue({ SecretId: 'prod/orders/SqlServer' });
    expect(now).not.toBe(connectionString);
    expect(await page.content()).not.toContain(now);
    await press(page, 'Show the value');
    await page.waitForSelector('.value-fields');
    const newPassword =
      /Password=("(?:[^"]|"")*"|[^;]*)/.exec(now)?.[1]?.replace(/^"|"$/g, '').replaceAll('""', '"') ?? '';
    expect(await textOf(page, '#shown-value')).not.toContain(newPassword);
    await page.click('button[aria-label="Show password"]');
    expect(await textOf(page, '#shown-value')).toContain(newPassword);
    expect(await breaches(page)).toEqual([]);
    expect(await server.canLogIn({ username: login.username, password: newPassword })).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.content()).not.toContain(newPassword);
    expect(notes.filter((line) => line.startsWith('read and shown: '))).toHaveLength(1);

    // No value has left the page: not in an address, a header of a request, or the terminal.
    const seen = JSON.stringify(asked) + notes.join('\n');
    for (const value of [password, newPassword, encodeURIComponent(newPassword)])
      expect(seen).not.toContain(value);
    expect(complaints).toEqual([]);
  });

  it('heals a rotation that is stuck, and says what is safe meanwhile', async () => {
    const harness = await startHarness();
    let isDown = true;
    const rotate: LocalFunction = async (event) => {
      const SecretId = event.SecretId;
      if (event.Step === 'createSecret') {
        const put = {
          SecretId,
          ClientRequestToken: event.ClientRequestToken,
          SecretString: 'the second value',
          VersionStages: ['AWSPENDING'],
        };
        await harness.client.putSecretValue(put);
      }
      if (event.Step === 'setSecret' && isDown)
        throw new Error('TargetUnreachable: <b>db</b> does not answer.');
      if (event.Step === 'finishSecret') {
        const { VersionIdsToStages = {} } = await harness.client.describeSecret({ SecretId });
        const RemoveFromVersionId = Object.keys(VersionIdsToStages).find((id) =>
          VersionIdsToStages[id]?.includes('AWSCURRENT'),
        );
        await harness.client.updateSecretVersionStage({
          SecretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: event.ClientRequestToken,
          RemoveFromVersionId,
        });
      }
    };
    const RotationLambdaARN = harness.local.registerFunction('fragile', rotate);
    const { ARN = '' } = await harness.client.createSecret({
      Name: 'prod/ledger',
      SecretString: 'the first value',
    });
    await harness.client.rotateSecret({
      SecretId: ARN,
      RotationLambdaARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
    });
    await harness.local.rotationsSettled();
    const { page, complaints } = await openConsole(browser, harness.console.address());

    expect(await textOf(page, '.list tbody')).toContain('Failed');
    await press(page, 'prod/ledger');
    const verdict = await textOf(page, '#verdict');
    expect(verdict).toContain('A rotation is not complete');
    expect(verdict).toContain('may hold the only copy of the credential that works now');
    expect(await textOf(page, '#run-card')).toContain('<b>db</b> does not answer');
    expect(await page.locator('.version-picture .dot.pending').count()).toBe(1);
    expect(await breaches(page)).toEqual([]);

    isDown = false;
    await press(page, 'Have it tried again');
    await page.waitForSelector('.run[data-state="succeeded"]');
    await page.waitForSelector('#verdict.good');
    expect(await textOf(page, '#state')).toBe('Rotates');
    const { SecretString } = await harness.client.getSecretValue({ SecretId: ARN });
    expect(SecretString).toBe('the second value');
    expect(complaints).toEqual([]);
  });

  it('refuses johndoe, and shows on one screen which statement does', async () => {
    const johndoe = user('johndoe', {
      policies: [
        policy(
          allow([
            'secretsmanager:DescribeSecret',
            'secretsmanager:ListSecrets',
            'secretsmanager:ListSecretVersionIds',
            'secretsmanager:GetSecretValue',
          ]),
          deny('secretsmanager:GetSecretValue', {
            Sid: 'NotTheLedger',
            Resource: 'arn:aws:secretsmanager:*:*:secret:prod/ledger-??????',
          }),
        ),
      ],
    });
    const harness = await startHarness({ policies: 'enforce', principals: [root, johndoe] });
    await harness.client.createSecret({
      Name: 'prod/ledger',
      SecretString: 'a value that johndoe must not see',
    });
    const { page, complaints } = await openConsole(browser, harness.console.address());
    await page.selectOption('#acting', { label: 'johndoe' });
    await page.waitForSelector('option[selected]:has-text("johndoe")', { state: 'attached' });
    await press(page, 'prod/ledger');
    await press(page, 'Show the value');
    await page.waitForSelector('#shown-value .notice.bad');
    expect(await textOf(page, '#shown-value')).toContain('explicit deny in an identity-based policy');
    expect(await page.content()).not.toContain('a value that johndoe must not see');
    expect(harness.notes.join()).not.toContain('read and shown');
    await breaches(page);
    complaints.length = 0;
    await press(page, 'Which statement decides?');
    await page.waitForSelector('.answer.bad');
    const answer = await textOf(page);
    expect(answer).toContain('johndoe may not GetSecretValue on prod/ledger');
    expect(await textOf(page, '.statement[open]')).toContain('NotTheLedger');
    expect(await breaches(page)).toEqual([]);

    await page.selectOption('#call', 'DescribeSecret');
    await press(page, 'Find out');
    await page.waitForSelector('.answer.good');
    expect(complaints).toEqual([]);
  });

  it('works with the keyboard, on a phone and in the dark', async () => {
    const harness = await startHarness();
    await harness.client.createSecret({ Name: 'prod/mail', SecretString: 'x' });
    await harness.client.createSecret({ Name: 'prod/search', SecretString: 'y' });
    const options = { colorScheme: 'dark', viewport: { width: 360, height: 700 } } as const;
    const { page, goto } = await openConsole(browser, harness.console.address(), options);
    await page.keyboard.press('/');
    await page.keyboard.type('mai');
    await expect.poll(() => page.locator('.list tbody tr').count()).toBe(1);
    expect(page.url()).toContain('q=mai');
    await page.focus('.list a');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("prod/mail")');
    await page.focus('[data-reveal-button]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.value-fields');
    for (const path of [
      '/',
      '/rotations',
      '/store',
      '/secret?id=prod/mail',
      '/secret?id=no-such',
      '/?q=none',
    ]) {
      await goto(path);
      expect([path, await breaches(page)]).toEqual([path, []]);
      const [inner, outer]: unknown[] = await page.evaluate(
        '[document.documentElement.scrollWidth, innerWidth]',
      );
      expect([path, inner]).toEqual([path, outer]);
    }
  });

  it('shows hostile names, values, tags and answers as text', async () => {
    const hostile = `<img src=x onerror="window.hit=1">'"\`\${7*7}</textarea></pre><script>window.hit=1</script>\u202e{{x}}`;
    const harness = await startHarness();
    const RotationLambdaARN = harness.local.registerFunction('evil', () => {
      throw new Error('<u>db</u> <svg onload=location=2>');
    });
    const tag = `</option><script>window.hit=1</script>`;
    await harness.client.createSecret({
      Name: 'prod/hostile',
      SecretString: JSON.stringify({ password: hostile, [hostile]: hostile }),
      Description: hostile,
      Tags: [
        { Key: `a<b>"'`, Value: `"><svg onload=window.hit=1>` },
        { Key: tag.slice(0, 100), Value: hostile.slice(0, 250) },
      ],
    });
    await harness.client.rotateSecret({
      SecretId: 'prod/hostile',
      RotationLambdaARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
    });
    await harness.local.rotationsSettled();
    const { page, goto, complaints } = await openConsole(browser, harness.console.address());
    await press(page, 'prod/hostile');
    await press(page, 'Show the value');
    await page.waitForSelector('.value-fields');
    await page.click('button[aria-label="Show password"]');
    expect(await textOf(page, '#shown-value')).toContain('<img src=x onerror="window.hit=1">');
    expect(await textOf(page)).toContain('\\u{202e}');
    const said = await textOf(page, '#run-card');
    expect(said).toContain('<u>db</u> <svg onload=location=2>');
    await goto('/rotations');
    await goto(`/?q=${encodeURIComponent(hostile)}`);
    expect(await textOf(page)).toContain('<script>window.hit=1</script>');
    await goto(`/secret?id=${encodeURIComponent(hostile)}`);
    await goto(`/?tag=${encodeURIComponent(hostile)}`);
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(complaints.filter((line) => !line.includes('responded with a status of'))).toEqual([]);
  });

  it('goes back after a mistake in a form, and stores once however often it is asked', async () => {
    const harness = await startHarness();
    const { page, goto, complaints } = await openConsole(browser, harness.console.address());
    await goto('/store');
    await page.fill('#key-0', 'token');
    await page.fill('#value-0', 'never-on-a-page');
    await press(page, 'Next');
    await page.fill('#name', 'prod/mail');
    await press(page, 'Next');
    await page.check('#rotates');
    await page.fill('#function', 'no function');
    await press(page, 'Next');
    await page.waitForSelector('.problem');
    expect(await page.inputValue('#function')).toBe('no function');
    await page.uncheck('#rotates');
    await press(page, 'Next');
    await page.waitForSelector('#as-code');
    await page.goBack();
    await page.waitForSelector('#rotates');
    await page.goForward();
    await page.waitForSelector('#as-code');
    expect(await page.content()).not.toContain('never-on-a-page');

    // What two clicks send, and a third one when the secret is stored already.
    const answers: unknown = await page.evaluate(`(() => {
      const form = document.querySelector('.wizard-body form');
      const send = () => fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      const clicks = async () => [...(await Promise.all([send(), send()])), await send()];
      return clicks().then((all) => all.map(({ url }) => new URL(url).pathname.split('/').slice(2).join('/')));
    })()`);
    expect(answers).toEqual(['store/done', 'store/done', 'store/done']);
    expect((await harness.client.listSecrets({})).SecretList).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  it('says that its session has ended, that a secret is gone, and that a change was refused where it was made', async () => {
    const harness = await startHarness();
    const { client } = harness;
    await client.createSecret({ Name: 'prod/mail', SecretString: 'a-value-to-be-hidden' });
    await client.createSecret({ Name: 'prod/web', SecretString: 'x' });
    const { page, goto, context } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/web');
    await page.waitForLoadState('networkidle');
    await client.deleteSecret({ SecretId: 'prod/web', ForceDeleteWithoutRecovery: true });
    await page.waitForSelector('#connection:has-text("does not exist any more")');
    await press(page, 'Show the value');
    await page.waitForSelector('#shown-value .bad');

    await goto('/secret?id=prod/mail');
    await page.locator('summary:has-text("Replicate to a region")').click();
    await page.fill('#region', 'us-east-1');
    await page.locator('#form-secret-replicate button').click();
    await page.waitForSelector('#form-secret-replicate .problem');
    expect(await page.inputValue('#region')).toBe('us-east-1');
    expect(await breaches(page)).toEqual([]);

    await press(page, 'Show the value');
    await page.click('button[aria-label="Show the whole value"]');
    const other = await context.newPage();
    await other.goto(page.url());
    await other.locator('button:has-text("Lock")').click();
    await page.waitForSelector('#connection:has-text("The session has ended")');
    expect(await page.content()).not.toContain('a-value-to-be-hidden');
  });

  it('follows what changes elsewhere, and leaves what is typed', async () => {
    const harness = await startHarness();
    const { client, local } = harness;
    const RotationLambdaARN = local.registerFunction('rotate', plainRotation(client));
    const { ARN: SecretId = '' } = await client.createSecret({
      Name: 'prod/mail',
      SecretString: 'the-first-value',
    });
    const { page, goto } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/mail');
    await page.waitForLoadState('networkidle');
    await page.locator('summary:has-text("Write one")').click();
    await page.fill('#policy-text', 'half a policy');
    await press(page, 'Show the value');
    await page.click('button[aria-label="Show the whole value"]');

    await client.rotateSecret({ SecretId, RotationLambdaARN, RotationRules: { AutomaticallyAfterDays: 30 } });
    await local.rotationsSettled();
    await page.waitForSelector('#headline-button button:has-text("Rotate now")');
    await page.waitForSelector('#rotation-card summary:has-text("Change the schedule")');
    // The shown value is no longer the current one.
    await page.waitForSelector('#shown-value', { state: 'hidden' });
    expect(await page.content()).not.toContain('the-first-value');
    const current = (await client.getSecretValue({ SecretId })).VersionId;
    await expect.poll(() => page.inputValue('#reveal-version')).toBe(current);
    await client.tagResource({ SecretId, Tags: [{ Key: 'team', Value: 'of-the-mail' }] });
    await page.waitForSelector('#tags :text("of-the-mail")');
    expect(await page.inputValue('#policy-text')).toBe('half a policy');

    // The schedule is previewed in a form that came later.
    await page.locator('summary:has-text("Change the schedule")').click();
    await page.fill('#expression', 'rate(4 days)');
    await page.waitForSelector('.preview li');
    await client.tagResource({ SecretId, Tags: [{ Key: 'more', Value: 'and-more' }] });
    await page.waitForSelector('#tags :text("and-more")');
    expect(await page.inputValue('#expression')).toBe('rate(4 days)');

    await press(page, 'Save the policy');
    await page.waitForSelector('#form-secret-policy .problem');
    await client.tagResource({ SecretId, Tags: [{ Key: 'third', Value: 'the-third' }] });
    await page.waitForSelector('#tags :text("the-third")');
    expect(await page.inputValue('#policy-text')).toBe('half a policy');

    await client.deleteSecret({ SecretId });
    await goto('/secret?id=prod/mail');
    await page.waitForLoadState('networkidle');
    await client.restoreSecret({ SecretId });
    await page.waitForSelector('[data-reveal-button]');
  });

  it('shows the value to those who may read it and may not list its versions', async () => {
    const rights = policy(allow(['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue']));
    const principals = [user('reader', { policies: [rights] }), root];
    const harness = await startHarness({ policies: 'enforce', principals });
    const client = new SecretsManager({ ...harness.local.clientConfig, credentials: root });
    onTestFinished(() => client.destroy());
    await client.createSecret({ Name: 'prod/mail', SecretString: 'the-value-for-readers' });
    const { page, goto } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/mail');
    expect(await textOf(page, '#versions')).toContain('AccessDenied');
    await press(page, 'Show the value');
    await page.click('button[aria-label="Show the whole value"]');
    expect(await textOf(page, '#shown-value')).toContain('the-value-for-readers');
  });

  it('shows a version that has no value yet', async () => {
    const harness = await startHarness();
    const RotationLambdaARN = harness.local.registerFunction('broken', () => {
      throw new Error('no');
    });
    const { ARN: SecretId = '' } = await harness.client.createSecret({
      Name: 'prod/mail',
      SecretString: 'x',
    });
    await harness.client.rotateSecret({ SecretId, RotationLambdaARN });
    await harness.local.rotationsSettled();
    const { page, goto } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/mail');
    const rows = await page.locator('.version-rows > li').allTextContents();
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/AWSPENDING.*has no value yet/);
    expect(rows[1]).toMatch(/AWSCURRENT.*made /);
  });

  it('keeps no value in a page that the browser may bring back', async () => {
    const harness = await startHarness();
    await harness.client.createSecret({ Name: 'prod/mail', SecretString: 'a-value-to-be-hidden-again' });
    const { page, goto } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/mail');
    await press(page, 'Show the value');
    await page.waitForSelector('.value-fields');
    await page.click('button[aria-label="Show the whole value"]');
    expect(await page.content()).toContain('a-value-to-be-hidden-again');
    await goto('/rotations');
    await page.goBack();
    expect(await page.content()).not.toContain('a-value-to-be-hidden-again');
    const kept: unknown = await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state])',
    );
    expect(kept).toBe('[{},{},null]');
  });

  it('gives nothing to pages of other origins, which know its address and run while it is open', async () => {
    const harness = await startHarness();
    await harness.client.createSecret({ Name: 'n', SecretString: 'a value that no page may read' });
    const { VersionIdsToStages = {} } = await harness.client.describeSecret({ SecretId: 'n' });
    const [version = ''] = Object.keys(VersionIdsToStages);
    const { page, context, base } = await openConsole(browser, harness.console.address());
    await page.waitForSelector('.list');
    const cookies: string[] = [];
    const evil = createServer((request, response) => {
      cookies.push(request.headers.cookie ?? '');
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>evil</title><p id=out></p>');
    });
    onTestFinished(() => void evil.close());
    evil.listen(0, '127.0.0.1');
    await once(evil, 'listening');
    const address = evil.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const target = new URL(harness.console.url);
    const hit = `
      const target = ${JSON.stringify(`${target.origin}${base}`)};
      const got = [];
      const note = async (name, promise) => got.push(name + ': ' + await promise.then(String, () => 'nothing'));
      const body = new URLSearchParams({ id: 'n', version: ${JSON.stringify(version)}, csrf: 'x' });
      const read = (path, more) => fetch(target + path, { credentials: 'include', ...more }).then((answer) => answer.text());
      const load = (name, src) => new Promise((resolve, reject) => {
        const made = document.createElement(name);
        made.onload = () => resolve('loaded');
        made.onerror = reject;
        made.src = src;
        document.body.append(made);
      });
      await note('page', read('/'));
      await note('secret', read('/secret?id=n'));
      await note('reveal', read('/secret/reveal', { method: 'POST', body }));
      await note('blind', fetch(target + '/secret/delete', { method: 'POST', body: 'id=n&days=7&confirm=n', mode: 'no-cors', credentials: 'include', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }).then((answer) => answer.type));
      await note('script', load('script', target + '/assets/console.js'));
      await note('image', load('img', target + '/assets/icon.svg'));
      await note('events', new Promise((resolve, reject) => {
        const source = new EventSource(target + '/events', { withCredentials: true });
        source.onmessage = resolve;
        source.addEventListener('ready', resolve);
        source.onerror = reject;
      }));
      const frame = document.createElement('iframe');
      frame.src = target + '/';
      document.body.append(frame);
      await new Promise((resolve) => { frame.onload = resolve; setTimeout(resolve, 2_000); });
      let framed = 'nothing';
      try { framed = frame.contentDocument.body.innerText; } catch {}
      got.push('frame: ' + framed);
      return got;
    `;
    for (const host of ['127.0.0.1', 'localhost']) {
      const other = await context.newPage();
      await other.goto(`http://${host}:${port}/`);
      const got: unknown = await other.evaluate(`(async () => { ${hit} })()`);
      expect([host, got]).toEqual([
        host,
        [
          'page: nothing',
          'secret: nothing',
          'reveal: nothing',
          'blind: nothing',
          'script: nothing',
          'image: nothing',
          'events: nothing',
          expect.stringMatching(/^frame: (nothing)?$/),
        ],
      ]);
      await other.close();
    }
    expect((await harness.client.describeSecret({ SecretId: 'n' })).DeletedDate).toBeUndefined();
    expect(harness.notes.join()).not.toContain('read and shown');
    // The other port of the same host was not sent the cookie.
    expect(new Set(cookies)).toEqual(new Set(['']));
  });

  it('shows of a rotation what can be seen, where Secrets Manager tells of no events', async () => {
    const harness = await startHarness({}, { events: undefined });
    const handler = createRotationHandler({ rotators: randomRotators(), client: harness.client });
    const RotationLambdaARN = harness.local.registerFunction('keyturn', handler);
    await harness.client.createSecret({
      Name: 'prod/pepper',
      SecretString: '{"password": "the first pepper of all"}',
      Tags: [{ Key: 'keyturn:rotator', Value: 'random/string' }],
    });
    await harness.client.rotateSecret({
      SecretId: 'prod/pepper',
      RotationLambdaARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
    });
    await harness.local.rotationsSettled();
    const { page, goto } = await openConsole(browser, harness.console.address());
    await press(page, 'prod/pepper');
    await press(page, 'Rotate now');
    await page.waitForSelector('.run[data-state="succeeded"]');
    expect(await page.locator('.steps .done').count()).toBe(3);
    expect(await textOf(page, '.steps .unseen')).toContain('Secrets Manager does not tell of it');
    await press(page, 'Ask the function');
    await page.waitForSelector('.preflight .badge.good');
    await goto('/rotations');
    await harness.client.createSecret({ Name: 'prod/another', SecretString: 'x' });
    await page.waitForSelector('#feed-body :text("Stored")');
    expect(await textOf(page, '#feed-body')).toContain('prod/another');
  });

  it('says what a function finds before a rotation fails, and what to do', async () => {
    const harness = await startHarness();
    const RotationLambdaARN = harness.local.registerFunction('broken', (event) => {
      if (String(event.Step) === 'preflight')
        throw Object.assign(new Error('The admin secret does not exist.'), { name: 'AdminSecretMissing' });
    });
    const { ARN: SecretId = '' } = await harness.client.createSecret({
      Name: 'prod/mail',
      SecretString: 'x',
    });
    const rules = { RotationRules: { AutomaticallyAfterDays: 30 }, RotateImmediately: false };
    await harness.client.rotateSecret({ SecretId, RotationLambdaARN, ...rules });
    await harness.local.rotationsSettled();
    const { page, goto } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/mail');
    expect(await textOf(page, '#verdict')).toContain('In order');
    await press(page, 'Ask the function');
    await page.waitForSelector('#verdict.bad');
    const verdict = await textOf(page, '#verdict');
    expect(verdict).toContain('The preflight has failed');
    expect(verdict).toContain('the function says: AdminSecretMissing: The admin secret does not exist.');
    expect(await breaches(page)).toEqual([]);
  });

  it('changes schedule, policy, tags and replicas, and deletes and restores', async () => {
    const harness = await startHarness();
    const RotationLambdaARN = harness.local.registerFunction('quiet', () => undefined);
    const { ARN: SecretId = '' } = await harness.client.createSecret({
      Name: 'prod/mail',
      SecretString: 'x',
    });
    await harness.client.rotateSecret({
      SecretId,
      RotationLambdaARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
      RotateImmediately: false,
    });
    await harness.local.rotationsSettled();
    const described = () => harness.client.describeSecret({ SecretId });
    const { page, goto, complaints } = await openConsole(browser, harness.console.address());
    await goto('/secret?id=prod/mail');

    await page.locator('summary:has-text("Change the schedule")').click();
    await page.fill('#expression', 'rate(1 hour)');
    await page.waitForSelector('.preview .problem');
    await page.fill('#expression', 'cron(0 4 1 * ? *)');
    await page.waitForSelector('.preview li');
    await press(page, 'Save the schedule');
    await page.waitForSelector('.notice.good');
    expect((await described()).RotationRules?.ScheduleExpression).toBe('cron(0 4 1 * ? *)');
    expect(await page.locator('#next-dates li').count()).toBe(5);

    await page.locator('summary:has-text("Write one")').click();
    const everybody =
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}';
    await page.fill('#policy-text', everybody);
    await press(page, 'Save the policy');
    await page.waitForSelector('.notice.bad');
    expect(await page.inputValue('#policy-text')).toBe(everybody);
    expect((await harness.client.getResourcePolicy({ SecretId })).ResourcePolicy).toBeUndefined();
    await page.fill('#policy-text', everybody.replace('"*"', '{"AWS":"arn:aws:iam::123456789012:root"}'));
    await press(page, 'Validate');
    await page.waitForSelector('.notice.good');
    await press(page, 'Save the policy');
    await page.waitForSelector('.notice.good:has-text("saved")');
    expect((await harness.client.getResourcePolicy({ SecretId })).ResourcePolicy).toContain(
      'iam::123456789012:root',
    );

    await page.locator('summary:has-text("Add a tag")').click();
    await page.fill('#tag-key', 'team');
    await page.fill('#tag-value', 'mail');
    await page.locator('#form-secret-tag button').click();
    await page.waitForSelector('#tags :text("mail")');
    await page.locator('summary:has-text("Replicate to a region")').click();
    await page.fill('#region', 'eu-west-1');
    await page.locator('#form-secret-replicate button').click();
    await page.waitForSelector('#replicas :text("InSync")');
    expect((await described()).ReplicationStatus?.[0]?.Region).toBe('eu-west-1');
    await page.locator('#replicas button:has-text("Remove")').click();
    await page.waitForSelector('#replicas :text("None.")');
    await page.locator('#tags button:has-text("Remove")').click();
    await page.waitForSelector('#tags :text("None.")');
    expect((await described()).Tags ?? []).toEqual([]);

    await page.locator('summary:has-text("Delete this secret")').click();
    await page.fill('#days', '7');
    await page.fill('#confirm', 'prod/other');
    await press(page, 'Schedule the deletion');
    await page.waitForSelector('.notice.bad:has-text("not the name")');
    expect((await described()).DeletedDate).toBeUndefined();
    expect(await page.inputValue('#days')).toBe('7');
    await page.fill('#confirm', 'prod/mail');
    await press(page, 'Schedule the deletion');
    await page.waitForSelector('#deletion button:has-text("Restore")');
    expect((await described()).DeletedDate).toBeDefined();
    expect(await breaches(page)).toEqual([]);
    await page.locator('#deletion button').click();
    await page.waitForSelector('[data-reveal-button]');
    expect((await described()).DeletedDate).toBeUndefined();
    expect(complaints).toEqual([]);
  });
});
