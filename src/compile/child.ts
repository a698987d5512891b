/**
 * The compiler's process: starts as root, loads libbcc, shuts itself in an empty file system that
 * holds only the stub headers, gives up every privilege, and only then reads the text to compile.
 * LLVM's memory and its crashes stay here.
 */
import { mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { XcapError } from '../errors.ts';
import { openLibbcc } from '../ffi/libbcc.ts';
import { chroot, dieWithParent, forbidNewPrivileges, privateTmpfs } from '../ffi/libc.ts';
import { compilerLibraries } from './identity.ts';
import { REPLY_FD, type CompileReply, type CompileRequest } from './protocol.ts';
import { readStubHeaders, STUB_TREE } from './stub-headers.ts';

const NOBODY = 65534;
const JAIL = '/tmp';

/** Leaves the process with no user, group, capability, and no file but the stub headers. */
function shutIn(): string {
  if (process.getuid?.() !== 0) return STUB_TREE;
  // Read before the jail hides it: a checkout may lie below it.
  const headers = readStubHeaders();
  process.umask(0o022);
  privateTmpfs(JAIL);
  for (const { path, text } of headers) {
    const target = join(JAIL, 'stub', path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  chroot(JAIL);
  process.chdir('/');
  forbidNewPrivileges();
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
  return '/stub';
}

function run(): CompileReply {
  const libbcc = openLibbcc();
  const compiler = compilerLibraries();
  process.env['BCC_KERNEL_SOURCE'] = shutIn();
  dieWithParent();
  const request = JSON.parse(readFileSync(0, 'utf8')) as CompileRequest;
  const programs = request.units.flatMap(({ text, functions }) =>
    libbcc.compile(text, functions, request.cflags),
  );
  return { insns: programs.map((insns) => Buffer.from(insns).toString('base64')), compiler };
}

function reply(): CompileReply {
  try {
    return run();
  } catch (error) {
    if (error instanceof XcapError) {
      return { error: error.message, exitCode: error.exitCode, hint: error.hint };
    }
    return { error: error instanceof Error ? error.message : String(error), exitCode: 5 };
  }
}

// libbcc writes to standard output at will: the reply has a descriptor of its own.
const text = Buffer.from(JSON.stringify(reply()));
for (let at = 0; at < text.length;) at += writeSync(REPLY_FD, text, at);
