import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sha256 } from './sha256.ts';

/** Most that a directory holds; the oldest entries go first. */
const ENTRIES_MAX = 64;
const TOTAL_BYTES_MAX = 16 << 20;
/** The largest program that the kernel takes has 8 MB of instructions, and nobody writes those. */
const ENTRY_BYTES_MAX = 4 << 20;
/** A temporary file that is older was left behind by a process that died. */
const ABANDONED_MS = 60_000;

const OTHERS_MAY_WRITE = 0o022;
const ONLY_OWNER = 0o077;
const ENTRY_NAME = /^[0-9a-f]{64}$/;
const TEMPORARY_NAME = /^\.new-[0-9a-f]+$/;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

/**
 * Files in a directory that only this user can look into. What is loaded into the kernel comes out of it, so nothing that
 * somebody else could have put there is taken, and whatever is not whole is as good as not there. Nothing that goes wrong
 * here is an error: what is kept can be made again.
 */
export class PrivateFiles {
  readonly #directory: string;
  readonly #owner: number;

  private constructor(directory: string, owner: number) {
    this.#directory = directory;
    this.#owner = owner;
  }

  /** Makes the directory where it is not there yet; gives why it cannot be used otherwise. */
  static open(
    directory: string,
    owner = process.geteuid?.() ?? 0,
  ): PrivateFiles | { readonly why: string } {
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') return { why: `cannot be made: ${codeOf(error)}` };
    }
    try {
      // Not followed: a link's owner could lead it elsewhere between two looks.
      const found = lstatSync(directory);
      if (!found.isDirectory()) return { why: 'not a directory' };
      if (found.uid !== owner) return { why: `owned by user ${found.uid}, not ${owner}` };
      if ((found.mode & ONLY_OWNER) !== 0) {
        return { why: `mode ${(found.mode & 0o7777).toString(8)}, not 700` };
      }
    } catch (error) {
      return { why: codeOf(error) };
    }
    return new PrivateFiles(directory, owner);
  }

  /** The text under that name when it is whole, of that form, and nobody else could have written it. */
  get(name: string, form: string): string | undefined {
    try {
      return wholeText(this.#read(name), form);
    } catch {
      return undefined;
    }
  }

  /** Replaces what is there at once: no reader sees half of it. @param form of the text: one word */
  put(name: string, form: string, text: string): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > ENTRY_BYTES_MAX) return;
    const temporary = join(this.#directory, `.new-${randomBytes(12).toString('hex')}`);
    try {
      const head = `${form} ${bytes} ${sha256(text)}\n`;
      writeFileSync(temporary, head + text, { flag: 'wx', mode: 0o600 });
      renameSync(temporary, join(this.#directory, name));
      this.#evict();
    } catch {
      // A full disk, a file system that became read-only: the next run makes it again.
      rmSync(temporary, { force: true });
    }
  }

  #read(name: string): Uint8Array {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    // O_NONBLOCK: of a FIFO the opening would wait.
    const fd = openSync(join(this.#directory, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const { uid, mode, size } = fstatSync(fd);
      const regular = (mode & constants.S_IFMT) === constants.S_IFREG;
      const ours = regular && uid === this.#owner && (mode & OTHERS_MAY_WRITE) === 0;
      return ours && size <= 2 * ENTRY_BYTES_MAX ? readFileSync(fd) : new Uint8Array();
    } finally {
      closeSync(fd);
    }
  }

  #evict(): void {
    const now = Date.now();
    const entries = readdirSync(this.#directory)
      .filter((name) => ENTRY_NAME.test(name) || TEMPORARY_NAME.test(name))
      .map((name) => {
        const path = join(this.#directory, name);
        const { mtimeMs, size } = lstatSync(path);
        return { path, temporary: TEMPORARY_NAME.test(name), mtimeMs, size };
      })
      .sort((a, b) => b.mtimeMs - a.mtimeMs);
    let count = 0;
    let bytes = 0;
    for (const { path, temporary, mtimeMs, size } of entries) {
      bytes += size;
      const abandoned = temporary && now - mtimeMs > ABANDONED_MS;
      const beyond = !temporary && (++count > ENTRIES_MAX || bytes > TOTAL_BYTES_MAX);
      if (abandoned || beyond) rmSync(path, { force: true });
    }
  }
}

function wholeText(bytes: Uint8Array, wanted: string): string | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  const [form, length, digest] = Buffer.from(bytes.subarray(0, end)).toString('latin1').split(' ');
  const text = bytes.subarray(end + 1);
  const whole = form === wanted && length === String(text.length) && digest === sha256(text);
  return whole ? new TextDecoder().decode(text) : undefined;
}
