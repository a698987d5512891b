import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { UsageError } from '../errors.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Device } from './byte-queue.ts';
import { FileDevice } from './file-device.ts';
import { OutputError } from './output-error.ts';
import { SocketDevice } from './socket-device.ts';

/** A file by its path, or a descriptor that the process was started with. */
export type OutputTarget =
  { readonly path: string } | { readonly fd: number; readonly name: string };

export const STDOUT: OutputTarget = { fd: 1, name: 'standard output' };

export interface OutputOptions {
  /** The bytes are not for a terminal: refuse one. */
  readonly binary: boolean;
  /**
   * How many of some bytes, which start at a block, are whole blocks: on a full disk a file is cut
   * back to that. Without it to the last write(). See wholeBlocksLength() and its like.
   */
  readonly wholeLength?: ((bytes: Uint8Array) => number) | undefined;
  /** At the end, how long to wait for a reader that takes nothing; default 2000. */
  readonly stallTimeoutMs?: number | undefined;
  /** Ends the waiting for the reader of a named pipe. */
  readonly signal?: AbortSignal | undefined;
}

/** A ByteStream that has a name and can tell what it did not deliver. */
export type OutputStream = ByteQueue;

const STALL_TIMEOUT_MS = 2000;
const READER_POLL_MS = 50;
const { O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK, O_NOCTTY } = constants;

/**
 * Opens an output; a file is created or truncated by this, with the permissions of the umask.
 *
 * @throws OutputError (status 5) when it cannot be written
 * @throws UsageError (status 1) for binary data to a terminal
 */
export async function openOutput(
  target: OutputTarget,
  options: OutputOptions,
): Promise<OutputStream> {
  const name = 'path' in target ? target.path : target.name;
  let device: Device;
  try {
    device =
      'path' in target ? await openPath(target.path, options) : openInherited(target, options);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new OutputError(name, error as NodeJS.ErrnoException);
  }
  return new ByteQueue(device, {
    name,
    stallTimeoutMs: options.stallTimeoutMs ?? STALL_TIMEOUT_MS,
    wholeLength: options.wholeLength,
  });
}

async function openPath(path: string, options: OutputOptions): Promise<Device> {
  const fd = await openForWriting(path, options.signal);
  const stat = fstatSync(fd);
  if (stat.isFIFO()) return new SocketDevice(fd, { owned: true });
  const terminal = isatty(fd);
  if (terminal && options.binary) {
    closeSync(fd);
    throw terminalRefused(path);
  }
  return new FileDevice(fd, { owned: true, canStall: terminal });
}

/**
 * open(2) of a named pipe for writing waits for a reader, and no signal handler of ours would run:
 * with O_NONBLOCK it fails with ENXIO instead (fifo(7)).
 */
async function openForWriting(path: string, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    try {
      return openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY, 0o666);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENXIO' || !statSync(path).isFIFO() || signal?.aborted === true) throw error;
      await sleep(READER_POLL_MS);
    }
  }
}

function openInherited(target: { fd: number; name: string }, options: OutputOptions): Device {
  const { fd, name } = target;
  const stat = fstatSync(fd);
  const terminal = isatty(fd);
  if (terminal && options.binary) throw terminalRefused(name);
  if (terminal) {
    const own = reopen(fd);
    return new FileDevice(own ?? fd, { owned: own !== undefined, canStall: true });
  }
  if (stat.isFIFO()) {
    const own = reopen(fd);
    return new SocketDevice(own ?? fd, { owned: own !== undefined });
  }
  // A socket cannot be opened again: O_NONBLOCK is then on what others may share, and Node takes
  // it away at exit from descriptors 0 to 2.
  if (stat.isSocket()) return new SocketDevice(fd, { owned: false });
  return new FileDevice(fd, { owned: false, canStall: false });
}

/**
 * A descriptor with an open file description of our own, hence an O_NONBLOCK of our own: on the
 * inherited one it would hit the shell and whoever else shares it.
 * @returns undefined when it cannot be had: no /proc, another user's pipe, a reader gone
 */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

function terminalRefused(name: string): UsageError {
  return new UsageError(`writing: ${name}: it is a terminal, and the packets are binary`, {
    hint: 'redirect it: > FILE, or | wireshark -k -i -',
  });
}
