import { expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { pagedSource } from '../../../src/kernel/paged-source.ts';
import { hostBtf, MapReader } from '../../support/kernels.ts';

const bytes = hostBtf();
const KALLSYMS = [
  'ffffffff81000000 T _stext',
  'ffffffff96920900 D vmemmap_base',
  'ffffffff96920910 D page_offset_base',
  'ffffffffc0000000 d page_offset_base\t[fake]',
  '',
].join('\n');

/** What is found with this kallsyms, and what may be used. */
function find(kallsyms: string | undefined, dynptr: boolean, pages = true, arch = 'x64') {
  const reader = new MapReader({
    files: kallsyms === undefined ? {} : { '/proc/kallsyms': kallsyms },
  });
  const may = { dynptr: () => dynptr, pages: () => pages };
  return pagedSource(Btf.parse(bytes ?? new Uint8Array()), arch, reader, may);
}

test.skipIf(bytes === undefined)(
  'pagedSource() takes the direct map where kallsyms shows it',
  () => {
    expect(find(KALLSYMS, false)).toMatchObject({
      kind: 'pages',
      pageOffsetBase: 0xffffffff96920910n,
      vmemmapBase: 0xffffffff96920900n,
    });
  },
);

test.skipIf(bytes === undefined).each([
  ['no kallsyms', undefined, true, 'x64'],
  ['no data symbols', 'ffffffff81000000 T _stext\n', true, 'x64'],
  ['hidden addresses', KALLSYMS.replace(/^f{8}\w{8}/gm, '0'.repeat(16)), true, 'x64'],
  ['another architecture', KALLSYMS, true, 'arm64'],
  ['--without-feature direct-map', KALLSYMS, false, 'x64'],
])('pagedSource() finds nothing with %s', (_what, kallsyms, pages, arch) => {
  expect(find(kallsyms, false, pages, arch)).toEqual({ kind: 'none' });
});
