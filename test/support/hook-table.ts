import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';

/** The rows of the table in docs/kernels.md: the kinds of hooks that tests have seen right. */
export const HOOK_ROWS = {
  logical: '`drop`, `consume`, `rx`, `tx`',
  tracepoint: '`tracepoint:CATEGORY:NAME`',
  function: 'a function',
  pointer: '... with `sk_buff **`',
  module: '... of a module',
  pattern: 'a pattern, `all`',
  fexit: '`fexit:FUNCTION`',
  kretprobe: '`kretprobe:FUNCTION`',
  xdpGeneric: '`xdp:...`, generic mode',
  xdpNative: '`xdp:...`, native mode',
  xdpWithoutBtf: '... a program without BTF',
  xdpMapGeneric: '`xdpmap:PATH`, generic mode',
  xdpMapNative: '`xdpmap:PATH`, native mode',
  tc: '`bpf:...`, a tc program',
  socketFilter: '`bpf:...`, a socket filter',
  dissector: '`bpf:...`, a flow dissector',
  afxdpTx: '`afxdp:tx`',
  afxdpTxZeroCopy: '`afxdp:tx`, zero copy',
  afxdpRxGeneric: '`afxdp:rx`, generic mode',
  afxdpRxNative: '`afxdp:rx`, native mode',
  afxdpRxZeroCopy: '`afxdp:rx`, zero copy',
} as const;
export type HookRow = keyof typeof HOOK_ROWS;

/** How each kind was hooked: several ways where several were tried. */
export type Proofs = ReadonlyMap<HookRow, ReadonlySet<string>>;

const checkout = join(import.meta.dirname, '../..');

/** The column of the kernel that runs: a guest's, or this machine's own. */
export const thisKernel = process.env['XCAP_GUEST'] ?? /^\d+\.\d+/.exec(release())?.[0] ?? '';

const fileOf = (kernel: string, guest: boolean): string =>
  guest ? join(checkout, '.cache/guests', kernel, 'proofs') : join(checkout, '.cache/proofs');

/** The backends that a capture's first line tells: `tracing ip_rcv (fentry), ...`. */
export function backendsOf(stderr: string): readonly string[] {
  const line = /^xcap: tracing (.*)$/m.exec(stderr)?.[1] ?? '';
  return [...line.matchAll(/\((?:[^()]*, )?([A-Za-z.-]+(?: and [a-z.]+)?)\)/g)].flatMap(
    ([, backends = '']) => backends.split(' and '),
  );
}

/** Called behind the last assertion on a capture of that kind. @param stderr of the capture */
export function proved(row: HookRow, stderr: string): void {
  for (const backend of new Set(backendsOf(stderr))) provedBy(row, backend);
}

/** The same, where the capture's first line does not say it well. */
export function provedBy(row: HookRow, how: string): void {
  const share = process.env['XCAP_SHARE'];
  const file = share === undefined ? fileOf(thisKernel, false) : join(share, 'proofs');
  mkdirSync(join(file, '..'), { recursive: true });
  appendFileSync(file, `${thisKernel}\t${row}\t${how}\n`);
}

/** What tests on a kernel have left. @returns empty where none ran */
export function readProofs(kernel: string, guest: boolean): Proofs {
  const proofs = new Map<HookRow, Set<string>>();
  let text = '';
  try {
    text = readFileSync(fileOf(kernel, guest), 'utf8');
  } catch {
    // No tests of hooks ran there.
  }
  for (const line of text.split('\n')) {
    const [where, row, backend] = line.split('\t');
    if (where !== kernel || backend === undefined || !Object.hasOwn(HOOK_ROWS, row ?? '')) continue;
    const known = proofs.get(row as HookRow);
    if (known === undefined) proofs.set(row as HookRow, new Set([backend]));
    else known.add(backend);
  }
  return proofs;
}

export const formatCell = (backends: ReadonlySet<string> | undefined): string =>
  backends === undefined ? '-' : [...backends].sort().join(', ');

const BEGIN = '<!-- hooks: made by test/guest/matrix.test.ts -->';
const END = '<!-- end -->';

/** The table of docs/kernels.md as it stands. @returns by kernel, then by row, the cell */
export function parseTable(page: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const lines = page.slice(page.indexOf(BEGIN), page.indexOf(END)).split('\n');
  const [head = [], , ...rows] = lines
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  return new Map(
    head
      .slice(1)
      .map((kernel, column) => [
        kernel,
        new Map(rows.map((row) => [row[0] ?? '', row[column + 1] ?? ''])),
      ]),
  );
}

/** The page with this table in the place of the old one. */
export function replaceTable(page: string, columns: ReadonlyMap<string, Proofs>): string {
  const kernels = [...columns.keys()];
  const rows = Object.entries(HOOK_ROWS).map(([row, title]) => [
    title,
    ...kernels.map((kernel) => formatCell(columns.get(kernel)?.get(row as HookRow))),
  ]);
  const table = [['', ...kernels], kernels.map(() => '-').concat('-'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < 0) throw new Error('docs/kernels.md has no place for the table');
  return `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`;
}
