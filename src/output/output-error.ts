import { RuntimeError } from '../errors.ts';

/** Remedies by errno(3) name. */
const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'choose a place that you may write to, or run with sudo',
  EPERM: 'choose a place that you may write to, or run with sudo',
  EROFS: 'the file system is read-only: choose another place',
  ENOENT: 'make the directory first, or choose another place',
  ENOTDIR: 'a part of the path is not a directory: choose another place',
  EISDIR: 'it is a directory: name a file in it',
  ENXIO: 'nothing reads from it: start the reader first',
  ENOSPC: 'free some space, or write less: a filter, -s, -c',
  EDQUOT: 'free some of your quota, or write less: a filter, -s, -c',
  EFBIG: 'raise the limit on file size (ulimit -f), or write less: a filter, -s, -c',
};

const WORDS: Readonly<Record<string, string>> = {
  EPIPE: 'its reader has gone',
};

/** An output that cannot be opened or written; `code` is the errno's name. EPIPE: reader gone. */
export class OutputError extends RuntimeError {
  readonly code: string;

  constructor(name: string, cause: NodeJS.ErrnoException) {
    // A socket's peer that went away with data unread says ECONNRESET: the same to us.
    const code = cause.code === 'ECONNRESET' ? 'EPIPE' : (cause.code ?? 'EIO');
    // Node says "ENOSPC: no space left on device, write"; sockets "write EPIPE".
    const words = WORDS[code] ?? /^[A-Z0-9]+: ([^,]*)/.exec(cause.message)?.[1];
    super(`writing: ${name}: ${code}${words === undefined ? '' : `: ${words}`}`, {
      hint: HINTS[code],
      cause,
    });
    this.code = code;
  }
}
