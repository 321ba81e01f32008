import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { replaceFile } from '../../src/render/output-file.ts';
import { temporaryFolder } from '../local/harness.ts';

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);

describe('replaceFile', () => {
  it('makes a file for its owner alone, whatever the umask and whatever was there', async () => {
    const folder = await temporaryFolder();
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    await replaceFile(join(folder, 'new'), Buffer.from('secret'));
    process.umask(0o277);
    await writeFile(join(folder, 'old'), 'old', { mode: 0o666 });
    await replaceFile(join(folder, 'old'), Buffer.from('secret'));
    process.umask(umask);
    expect([await modeOf(join(folder, 'new')), await modeOf(join(folder, 'old'))]).toEqual(['600', '600']);
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('secret');
    expect((await readdir(folder)).sort()).toEqual(['new', 'old']);
  });

  it('replaces a symbolic link, and leaves alone what it leads to', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'target'), 'not yours', { mode: 0o644 });
    await symlink('target', join(folder, 'output'));
    await symlink('/nowhere/at/all', join(folder, 'dangling'));
    await replaceFile(join(folder, 'output'), Buffer.from('secret'));
    await replaceFile(join(folder, 'dangling'), Buffer.from('secret'));
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe('not yours');
    expect(await modeOf(join(folder, 'target'))).toBe('644');
    expect(await readFile(join(folder, 'output'), 'utf8')).toBe('secret');
    expect(await readFile(join(folder, 'dangling'), 'utf8')).toBe('secret');
  });

  it('writes into no folder, pipe or device', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'folder'));
    await expect(replaceFile(join(folder, 'folder'), Buffer.from('x'))).rejects.toMatchObject({
      code: 'OutputFailed',
      message: expect.stringContaining('is a folder'),
    });
    await expect(replaceFile('/dev/null', Buffer.from('x'))).rejects.toMatchObject({
      code: 'OutputFailed',
      message: expect.stringContaining('--stdout'),
    });
    await expect(replaceFile(join(folder, 'none', 'file'), Buffer.from('x'))).rejects.toMatchObject({
      code: 'OutputFailed',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('leaves the old file as it was when the disk is full', async ({ skip }) => {
    const folder = await temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    if (mounted.status !== 0) skip('no file system can be mounted here');
    onTestFinished(() => void spawnSync('umount', [folder]));
    const path = join(folder, 'output');
    await writeFile(path, 'old');
    await expect(replaceFile(path, Buffer.alloc(1_000_000, 'x'))).rejects.toMatchObject({
      code: 'OutputFailed',
      message: expect.stringMatching(/ENOSPC.*as it was\. The disk is full/),
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['output']);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'leaves nothing behind when %s comes while it writes',
    async (signal) => {
      const { child, folder, path } = await startWriting();
      const during = await readdir(folder);
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([null, signal]);
      expect(during).toHaveLength(2);
      expect(await readdir(folder)).toEqual(['output']);
      expect(await readFile(path, 'utf8')).toBe('old');
    },
  );

  it('removes what a killed process has left, once it is old', async () => {
    const { child, folder, path } = await startWriting();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [leftover = ''] = (await readdir(folder)).filter((name) => name !== 'output');
    expect(await modeOf(join(folder, leftover))).toBe('600');
    const foreign = '.keyturn-notes.tmp';
    await writeFile(join(folder, foreign), 'mine');
    await replaceFile(path, Buffer.from('one'));
    expect(await readdir(folder)).toContain(leftover);
    await utimes(join(folder, leftover), 0, 0);
    await replaceFile(path, Buffer.from('two'));
    expect((await readdir(folder)).sort()).toEqual([foreign, 'output']);
  });
});

/** A process that has written its draft, and whose disk does not confirm it. */
async function startWriting() {
  const folder = await temporaryFolder();
  const path = join(folder, 'output');
  await writeFile(path, 'old');
  const module = fileURLToPath(new URL('../../src/render/output-file.ts', import.meta.url));
  const script = `
    import { open } from 'node:fs/promises';
    const file = await open(process.execPath);
    Object.getPrototypeOf(file).sync = () => { console.log('writing'); return new Promise(() => setInterval(() => {}, 1000)); };
    await file.close();
    const { replaceFile } = await import(${JSON.stringify(module)});
    await replaceFile(${JSON.stringify(path)}, Buffer.from('new'));
  `;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(createInterface(child.stdout), 'line');
  return { child, folder, path };
}
