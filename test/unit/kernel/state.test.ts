import { describe, expect, it } from 'vitest';
import { kernelState } from '../../../src/kernel/state.ts';
import { MapReader } from '../../support/kernels.ts';

const FILES = {
  '/proc/sys/kernel/random/boot_id': '5d0cbc3c-0a3b-4a1e-9a39-0b1c2d3e4f50\n',
  '/proc/modules':
    'nf_tables 380928 541 nft_compat,nft_fib, Live 0xffffffffc0a5e000\nveth 45056 0 - Live 0xffffffffc0100000\n',
  '/proc/self/status': 'Name:\tnode\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n',
  '/sys/kernel/security/lockdown': '[none] integrity confidentiality\n',
  '/proc/sys/kernel/ftrace_enabled': '1\n',
};
const INODES = {
  '/sys/module/nf_tables': { inode: 7001, device: 20 },
  '/sys/module/veth': { inode: 7002, device: 20 },
  '/sys/kernel/tracing/available_filter_functions': { inode: 3, device: 12 },
};
const LINKS = { '/proc/self/ns/user': 'user:[4026531837]' };

interface Change {
  readonly files?: Readonly<Record<string, string>>;
  readonly inodes?: Readonly<Record<string, { readonly inode: number; readonly device: number }>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly without?: string;
}

function stateOf({ files, inodes, links, without = '' }: Change = {}): string | undefined {
  const reader = new MapReader({
    files: { ...FILES, ...files },
    inodes: { ...INODES, ...inodes },
    links: { ...LINKS, ...links },
  });
  reader.files.delete(without);
  reader.inodes.delete(without);
  return kernelState(reader);
}

describe('kernelState()', () => {
  it('is the same when only use counts of modules and what is not asked for differ', () => {
    const modules = FILES['/proc/modules'].replace(' 541 ', ' 9 ').replace(' 0 - ', ' 3 x, ');
    const status = FILES['/proc/self/status'].replace('node', 'other');
    expect(stateOf({ files: { '/proc/modules': modules, '/proc/self/status': status } })).toBe(
      stateOf(),
    );
  });

  it.each<[string, Change]>([
    ['another boot', { files: { '/proc/sys/kernel/random/boot_id': 'another' } }],
    ['a module less', { files: { '/proc/modules': 'veth 45056 0 - Live 0xffffffffc0100000\n' } }],
    [
      'a module elsewhere',
      { files: { '/proc/modules': FILES['/proc/modules'].replace('c0100000', 'c0200000') } },
    ],
    [
      'a module of another size',
      { files: { '/proc/modules': FILES['/proc/modules'].replace('45056', '49152') } },
    ],
    [
      'a module that was loaded again',
      { inodes: { '/sys/module/veth': { inode: 9002, device: 20 } } },
    ],
    ['fewer capabilities', { files: { '/proc/self/status': 'CapEff:\t0000000000003000\n' } }],
    ['another user namespace', { links: { '/proc/self/ns/user': 'user:[4026532000]' } }],
    [
      'lockdown',
      { files: { '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n' } },
    ],
    ['ftrace switched off', { files: { '/proc/sys/kernel/ftrace_enabled': '0\n' } }],
    ['no tracefs', { without: '/sys/kernel/tracing/available_filter_functions' }],
  ])('is another for %s', (_what, change) => {
    const changed = stateOf(change);
    expect(changed).toBeDefined();
    expect(changed).not.toBe(stateOf());
  });

  it('cannot be told without the id of the boot, or where modules are hidden', () => {
    expect(stateOf({ without: '/proc/sys/kernel/random/boot_id' })).toBeUndefined();
    expect(stateOf({ without: '/sys/module/veth' })).toBeUndefined();
  });

  it('needs no modules', () => {
    expect(stateOf({ without: '/proc/modules' })).toBeDefined();
  });
});
