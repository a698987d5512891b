import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, join } from 'node:path';
import { isatty } from 'node:tty';
import { RuntimeError, UsageError } from '../errors.ts';
import type { CommandOptions } from './options.ts';

/** Waits for a word, and becomes the command; the end of the pipe says that xcap is gone. */
const HELD = 'read -r _ <&3 || exit 125; exec 3<&-; exec "$@"';
/** Descriptor of that pipe. */
const GO = 3;

/** A shell's status of what a signal ended. */
const SIGNALLED = 128;

/**
 * A command that is run to be traced. It has its number from the start, and begins when it is told to. Standard input, output and error are
 * xcap's own.
 */
export class TracedCommand implements Disposable {
  /** Of the process, before and after it becomes the command. */
  readonly pid: number;
  /** Aborts when the capture is to end: the command has, or it never began. */
  readonly ended: AbortSignal;
  /** Its exit status, as a shell tells it. */
  readonly status: Promise<number>;
  readonly #child: ChildProcess;
  #begun = false;

  /** It was told to begin. */
  get begun(): boolean {
    return this.#begun;
  }

  private constructor(child: ChildProcess, pid: number, abort: AbortSignal) {
    this.#child = child;
    this.pid = pid;
    const ended = new AbortController();
    this.ended = ended.signal;
    this.status = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        ended.abort('command');
        resolve(code ?? SIGNALLED + (signal === null ? 0 : system.signals[signal]));
      });
    });
    const stop = (): void => {
      if (this.#begun) this.#forward(abort.reason);
      else ended.abort(abort.reason);
    };
    if (abort.aborted) stop();
    else abort.addEventListener('abort', stop, { once: true });
  }

  /**
   * @param abort of which the signal goes on to the command
   * @throws UsageError when there is no such command
   */
  static start({ words, env }: CommandOptions, abort: AbortSignal): TracedCommand {
    requireCommand(words[0] ?? '', env['PATH'] ?? '');
    const { MALLOC_ARENA_MAX: arenas, ...rest } = env;
    const child = spawn('/bin/sh', ['-c', HELD, 'xcap', ...words], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      // That of xcap's own first line is not for others.
      env: arenas === undefined || arenas === '1' ? rest : env,
    });
    // A failed spawn has no number.
    child.once('error', () => undefined);
    if (child.pid === undefined) {
      throw new RuntimeError(`starting ${words[0] ?? ''}: /bin/sh: it cannot be run`);
    }
    return new TracedCommand(child, child.pid, abort);
  }

  /** Everything is attached: the command begins. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const pipe = this.#child.stdio[GO];
    if (pipe === null || pipe === undefined || !('end' in pipe)) return;
    // It may have been killed.
    pipe.once('error', () => undefined);
    pipe.end('\n');
  }

  /** A terminal's Ctrl-C goes to the command as well: once is enough. */
  #forward(signal: unknown): void {
    if (signal === 'SIGINT' && isatty(0)) return;
    if (signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP') {
      this.#child.kill(signal);
    }
  }

  /** What has not begun never does; what has goes on. */
  [Symbol.dispose](): void {
    const pipe = this.#child.stdio[GO];
    pipe?.destroy();
    this.#child.unref();
  }
}

/** @throws UsageError */
function requireCommand(name: string, path: string): void {
  const places = name.includes('/')
    ? [name]
    : path.split(delimiter).map((each) => join(each, name));
  if (name !== '' && places.some(isProgram)) return;
  throw new UsageError(`starting ${name}: no such command`, {
    hint: 'behind -- stands a command to run and trace; an expression stands before it',
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
