import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

import { bareEnvironment, type Ended, ending } from './keyturn-process.ts';

/** What is typed at the terminal, and the output to wait for before. */
export interface Typing {
  readonly after: string;
  readonly type: string;
}

/** Why there is no terminal for a test; undefined if there is one. */
export function whyNoTerminal(): string | undefined {
  const { status } = spawnSync('python3', ['-c', 'import pty']);
  return status === 0 ? undefined : 'python3, which makes a terminal, is not here';
}

/** Passes everything on from a terminal to this process, and types what it is told to, in order. */
const terminal = `
import fcntl, json, os, pty, struct, sys, termios
typings = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
said = b""
try:
  while True:
    chunk = os.read(terminal, 4096)
    if not chunk: break
    said += chunk
    os.write(1, chunk)
    while typings and typings[0]["after"].encode() in said:
      said = said.split(typings[0]["after"].encode(), 1)[1]
      os.write(terminal, typings.pop(0)["type"].encode())
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** Runs `keyturn ARGS` at a terminal, where nothing of AWS is configured. Its output is all that the terminal shows. */
export async function runAtTerminal(typings: readonly Typing[], ...args: string[]): Promise<Ended> {
  const program = fileURLToPath(new URL('../../bin/keyturn.js', import.meta.url));
  const env = { ...(await bareEnvironment()), TERM: 'xterm', COLUMNS: '200' };
  const script = ['-c', terminal, JSON.stringify(typings), process.execPath, program, ...args];
  const child = spawn('python3', script, { stdio: ['ignore', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return ending(child);
}
