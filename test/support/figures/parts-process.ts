/**
 * One cold start of the program, a part at a time, in a process of its own; its modules apart, where what ships is one file:
 *   node parts-process.js SPAWNED_AT NETNS EXPRESSION
 * prints the milliseconds of each part as JSON. The parts run after one another here; in xcap the
 * compiler's process and the reading of kallsyms run beside the rest.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const began = performance.timeOrigin + performance.now();

const [spawnedAt = '', netns = '', expression = ''] = process.argv.slice(2);

interface Dist {
  readonly runCli: typeof import('../../../src/cli/run-cli.ts');
  readonly captureCommand: typeof import('../../../src/cli/commands/capture.ts');
  readonly captureOptions: typeof import('../../../src/cli/capture-options.ts');
  readonly given: typeof import('../../../src/cli/given.ts');
  readonly compiler: typeof import('../../../src/compile/object-compiler.ts');
  readonly cache: typeof import('../../../src/compile/object-cache.ts');
  readonly files: typeof import('../../../src/util/private-files.ts');
  readonly run: typeof import('../../../src/capture/run.ts');
  readonly plan: typeof import('../../../src/capture/plan.ts');
  readonly session: typeof import('../../../src/capture/session.ts');
  readonly maps: typeof import('../../../src/abi/maps.ts');
  readonly libpcap: typeof import('../../../src/ffi/libpcap.ts');
  readonly filter: typeof import('../../../src/filter/compile-expression.ts');
  readonly view: typeof import('../../../src/kernel/view.ts');
  readonly reader: typeof import('../../../src/kernel/reader.ts');
  readonly functions: typeof import('../../../src/btf/functions.ts');
  readonly probes: typeof import('../../../src/bpf/probes.ts');
}

const PATHS: Readonly<Record<keyof Dist, string>> = {
  runCli: 'cli/run-cli',
  captureCommand: 'cli/commands/capture',
  captureOptions: 'cli/capture-options',
  given: 'cli/given',
  compiler: 'compile/object-compiler',
  cache: 'compile/object-cache',
  files: 'util/private-files',
  run: 'capture/run',
  plan: 'capture/plan',
  session: 'capture/session',
  maps: 'abi/maps',
  libpcap: 'ffi/libpcap',
  filter: 'filter/compile-expression',
  view: 'kernel/view',
  reader: 'kernel/reader',
  functions: 'btf/functions',
  probes: 'bpf/probes',
};

async function load<K extends keyof Dist>(name: K): Promise<Dist[K]> {
  return (await import(`../../../src/${PATHS[name]}.js`)) as Dist[K];
}

const parts: Record<string, number> = {};
let last = performance.now();
function part(name: string): void {
  const now = performance.now();
  parts[name] = now - last;
  last = performance.now();
}

parts['node: start'] = began - Number(spawnedAt);
await load('runCli');
const { captureOptions } = await load('captureOptions');
const { Given } = await load('given');
await load('captureCommand');
part('imports: command line');
const { ObjectCompiler } = await load('compiler');
await load('run');
part('imports: capture');

const { openLibpcap } = await load('libpcap');
const { compileExpression } = await load('filter');
const pcap = openLibpcap();
part('libpcap: load');
compileExpression(expression, pcap);
part('filter: compile to C');

const { openKernelView } = await load('view');
const { liveReader } = await load('reader');
const { typedefId } = await load('functions');
const { createProber } = await load('probes');
last = performance.now();
const view = openKernelView({ reader: liveReader, arch: process.arch, createProber });
const btf = view.btf;
part('BTF: read and scan');
typedefId(btf, 'btf_trace_kfree_skb');
part('BTF: first name');
for (const id of ['tp-btf', 'percpu-ksym', 'var-stack-read'] as const) view.features.get(id);
part('probes');

const { makePlan } = await load('plan');
const around = {
  env: {},
  readText: () => '',
  readExpression: () => '',
  resolveDevice: (_spelled: string, name: string) => name,
};
const options = captureOptions(new Given([]), [expression], around);
const metadata = [{ key: 'netns', negate: false, value: netns }] as const;
last = performance.now();
const plan = makePlan({ ...options, metadata });
part('plan: all of it again, warm');

const { captureMaps } = await load('maps');
const { Session } = await load('session');
last = performance.now();
const maps = captureMaps(plan.sizes);
const session = new Session(maps, plan.sizes.possibleCpus);
part('maps: create, map the ring');

const input = {
  units: plan.program.units,
  maps,
  license: plan.license,
  values: plan.program.values,
};
const first = await ObjectCompiler.start(undefined);
await first.compile(input);
part('compiler: its start and clang');
const second = await ObjectCompiler.start(undefined);
await new Promise((resolve) => setTimeout(resolve, 1000));
last = performance.now();
const object = await second.compile(input);
part('compiler: clang');
parts['compiler: its start'] =
  (parts['compiler: its start and clang'] ?? 0) - (parts['compiler: clang'] ?? 0);

const { ObjectCache } = await load('cache');
const directory = mkdtempSync(join(tmpdir(), 'xcap-parts-'));
const { PrivateFiles } = await load('files');
const files = PrivateFiles.open(directory);
if (!(files instanceof PrivateFiles)) throw new Error(files.why);
const use = { cache: new ObjectCache(files), question: expression, env: {} };
await (await ObjectCompiler.start(use)).compile(input);
last = performance.now();
await (await ObjectCompiler.start(use)).compile(input);
part('cache: find the object, check its key');
rmSync(directory, { recursive: true });

last = performance.now();
await session.attach(object, plan.hooks, plan.program.functionOf, {
  step: () => Promise.resolve(true),
  note: () => undefined,
  refused: (_hook, error) => {
    throw error;
  },
});
part('program: load (verifier, JIT) and attach');
plan.warmUp();
part('kallsyms and drop reasons: read');

session.detach();
session[Symbol.dispose]();
process.stdout.write(JSON.stringify(parts));
process.exit(0);
