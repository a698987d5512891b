import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** What a command said; a helper that must succeed throws instead of returning a status. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[], input?: string): CommandResult {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { encoding: 'utf8', input: input ?? '' });
  if (result.error !== undefined) throw result.error;
  return { status: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
}

function runOrThrow(command: readonly string[], input?: string): string {
  const { status, stdout, stderr } = run(command, input);
  if (status !== 0) {
    throw new Error(`${command.join(' ')}: status ${status}: ${stderr.trim()}\n${input ?? ''}`);
  }
  return stdout;
}

/** One command for many steps: starting a process is what costs in an emulated guest. */
function shell(script: string): string {
  return runOrThrow(['sh', '-eu'], script);
}

const prefix = 'xcap-';
const live = new Set<NetnsPair>();
let count = 0;

/** Namespaces of test processes that were killed before they could clean up. */
function removeStale(): void {
  if (!existsSync('/run/netns')) return;
  for (const name of readdirSync('/run/netns')) {
    const owner = /^xcap-(\d+)-\d+[ab]$/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) run(['ip', 'netns', 'del', name]);
  }
}

/** A network namespace with one end of a veth pair in it. Commands that name no namespace run in the caller's. */
export class Netns {
  readonly name: string;
  readonly device: string;
  readonly address4: string;
  readonly address6: string;
  readonly mac: string;

  constructor(name: string, device: string, host: number) {
    this.name = name;
    this.device = device;
    this.address4 = `10.9.0.${host}`;
    this.address6 = `fd00:9::${host}`;
    this.mac = `02:00:00:00:09:0${host}`;
  }

  /** The number that the kernel and `--netns inode:N` know it by. */
  get inode(): number {
    return statSync(`/run/netns/${this.name}`).ino;
  }

  /** The device's number inside this namespace. */
  get ifindex(): number {
    return Number(this.exec('cat', `/sys/class/net/${this.device}/ifindex`));
  }

  /** Run a command inside, wait for it, return its output; throws unless it succeeds. */
  exec(...command: readonly string[]): string {
    return runOrThrow(this.command(command));
  }

  /** As exec(), with something to read; and any status will do. */
  try(command: readonly string[], input?: string): CommandResult {
    return run(this.command(command), input);
  }

  /** Start a command inside and leave it running: the caller ends it. */
  spawn(...command: readonly string[]): ChildProcess {
    const [program = '', ...args] = this.command(command);
    return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** As spawn(), with an input that the caller writes to. */
  spawnWithInput(...command: readonly string[]): ChildProcess {
    const [program = '', ...args] = this.command(command);
    return spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Drop by iptables-legacy (ip_tables, and iptable_filter where the kernel has modules). */
  iptables(...args: readonly string[]): void {
    this.exec('iptables-legacy', '-w', '10', ...args);
  }

  /** Load an nft ruleset. */
  nft(ruleset: string): void {
    runOrThrow(this.command(['nft', '-f', '-']), ruleset);
  }

  /** The command as seen from outside; for those who start it by other means. `ip netns exec` execs it: same pid. */
  command(command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...command];
  }
}

/** The guest's two network cards, joined by a hub: none unless it is one with them (scripts/guest/boot --nics). */
export function networkCards(): readonly [string, string] | undefined {
  // A machine's own cards are nothing for a test.
  if (process.env['XCAP_GUEST'] === undefined) return undefined;
  run(['modprobe', 'virtio_net']);
  const [first, second] = readdirSync('/sys/class/net').filter((name) => {
    const driver = `/sys/class/net/${name}/device/driver`;
    return existsSync(driver) && basename(readlinkSync(driver)) === 'virtio_net';
  });
  return first === undefined || second === undefined ? undefined : [first, second];
}

/** Two namespaces joined by a veth pair, or by two network cards: a is 10.9.0.1 and fd00:9::1, b is 10.9.0.2 and fd00:9::2. */
export class NetnsPair {
  readonly a: Netns;
  readonly b: Netns;

  readonly #cards: readonly [string, string] | undefined;

  /** @param cards devices of the caller's namespace, which get them back */
  constructor(cards?: readonly [string, string]) {
    this.#cards = cards;
    if (live.size === 0) removeStale();
    count += 1;
    const name = `${prefix}${process.pid}-${count}`;
    this.a = new Netns(`${name}a`, 'xa0', 1);
    this.b = new Netns(`${name}b`, 'xb0', 2);
    live.add(this);
    try {
      shell(this.#script());
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * Quiet on purpose: no DAD, router solicitations, link-local addresses, ARP or neighbour discovery. The IPv6 address is
   * on lo, because one on the veth joins a solicited-node group and MLD reports that at its own times (RFC 3810).
   */
  #script(): string {
    const { a, b } = this;
    const ends = [
      [a, b],
      [b, a],
    ] as const;
    return [
      `ip netns add ${a.name}`,
      `ip netns add ${b.name}`,
      ...ends.map(
        ([end]) =>
          `ip netns exec ${end.name} sysctl -qw net.ipv6.conf.default.accept_dad=0 ` +
          'net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.addr_gen_mode=1 ' +
          'net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0',
      ),
      ...this.#link(),
      ...ends.flatMap(([end, other]) => [
        `ip -n ${end.name} -batch - <<'EOF'`,
        'link set lo up',
        `address add ${end.address4}/24 dev ${end.device}`,
        `address add ${end.address6}/128 dev lo nodad`,
        `link set ${end.device} up`,
        `neighbour replace ${other.address4} lladdr ${other.mac} dev ${end.device} nud permanent`,
        `neighbour replace ${other.address6} lladdr ${other.mac} dev ${end.device} nud permanent`,
        `route add ${other.address6}/128 dev ${end.device} src ${end.address6}`,
        'EOF',
      ]),
      '',
    ].join('\n');
  }

  #link(): readonly string[] {
    const { a, b } = this;
    if (this.#cards === undefined) {
      return [
        `ip -n ${a.name} link add ${a.device} address ${a.mac} type veth peer name ${b.device} address ${b.mac} netns ${b.name}`,
      ];
    }
    const move = (card: string, { name, device, mac }: Netns): readonly string[] => [
      `ip link set ${card} netns ${name}`,
      `ip -n ${name} link set ${card} name ${device} address ${mac}`,
    ];
    return [...move(this.#cards[0], a), ...move(this.#cards[1], b)];
  }

  /** They come back by themselves when the namespace ends, at some later time. */
  #giveBack(): string {
    const [first, second] = this.#cards ?? [];
    if (first === undefined || second === undefined) return '';
    const give = ({ name, device }: Netns, card: string): string =>
      `ip -n ${name} link set ${device} down\nip -n ${name} link set ${device} name ${card} netns $$\n`;
    return give(this.a, first) + give(this.b, second);
  }

  /** Remove both; what still runs inside keeps its namespace alive, so end that first. */
  dispose(): void {
    live.delete(this);
    run(['sh'], `${this.#giveBack()}ip netns del ${this.a.name}\nip netns del ${this.b.name}\n`);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Whatever the test did not get to dispose of; a killed process's are removed by the next one. */
process.on('exit', () => {
  for (const pair of live) pair.dispose();
});
