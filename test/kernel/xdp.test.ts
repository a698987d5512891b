import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { livePrograms } from '../../src/bpf/programs.ts';
import { provedBy } from '../support/hook-table.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, ipv4, udp } from '../support/packets.ts';
import { capture, parseJsonLines, runXcap, Tracer, type JsonRecord } from '../support/tracer.ts';
import { buildSender, sendDatagrams, sendFrames } from '../support/traffic.ts';
import { XdpProgram } from '../support/xdp-program.ts';

const LONG_NAME = 'choose_a_verdict_by_payload';
const PROG_TYPE_TRACING = 26;
/** What the program writes, and where: see test/support/xdp-program.c. */
const CHANGED_AT = 44;

let pair: NetnsPair;
let device: string;
beforeAll(() => {
  pair = new NetnsPair();
  device = `${pair.b.device}@${pair.b.name}`;
});
afterAll(() => {
  pair.dispose();
});

const running: XdpProgram[] = [];
async function load(
  ...args: Parameters<typeof XdpProgram.start>
): Promise<XdpProgram & { id: number }> {
  const { program, id } = await XdpProgram.start(...args);
  running.push(program);
  return Object.assign(program, { id });
}
afterEach(async () => {
  for (const program of running.splice(0)) await program.stop();
});

/** A datagram that the program answers with this verdict; with `change` it writes a byte of it. */
function frame(verdict: number, { change = 0, dport = 9 } = {}): Uint8Array {
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  const payload = Uint8Array.of(
    verdict,
    change,
    0x11,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
  );
  return ethernet(
    0x0800,
    ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport }, payload, ends)),
    {
      src: pair.a.mac,
      dst: pair.b.mac,
    },
  );
}

const send = (frames: readonly Uint8Array[]): void => {
  sendFrames(pair.a, frames, { gapUs: 500 });
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const at = (records: readonly JsonRecord[], end: 'entry' | 'exit'): readonly JsonRecord[] =>
  records.filter(({ hook }) => hook.endsWith(`@${end}`));

function tally(records: readonly JsonRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict = 'none' } of records) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}

const VERDICTS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 9];
const TALLY = { ABORTED: 3, DROP: 2, PASS: 4, TX: 1, REDIRECT: 1, 9: 1 };
const OTHER = 3;

/** Where all programs can be traced in one place the other way has to be forced. */
const ON_PROGRAM = ['--without-feature', 'xdp-dispatcher'];
const WAYS = [
  { mode: 'generic', options: [] },
  { mode: 'native', options: [] },
  ...(kernel.xdpDispatcher ? [{ mode: 'native', options: ON_PROGRAM } as const] : []),
] as const;

describe.skipIf(!kernel.fentry).each(WAYS)(
  'an XDP program in $mode mode $options',
  ({ mode, options }) => {
    const place =
      kernel.xdpDispatcher && options.length === 0 ? '`bpf_dispatcher_xdp_func`' : 'the program';

    it('is seen at both ends of each run, with its verdict and what it changed', async () => {
      await load(pair.b, mode, { options: [`redirect=${pair.b.ifindex}`] });
      const frames = VERDICTS.map((verdict, i) => frame(verdict, { change: i % 2 }));
      const others = Array.from({ length: OTHER }, () => frame(1, { dport: 10 }));
      const { records, summaries } = await capture(
        [...options, '--hook', `xdp:${device}`, 'udp port 9'],
        () => {
          send([...frames, ...others]);
        },
      );
      const [entries, exits] = [at(records, 'entry'), at(records, 'exit')];
      expect(entries.map(({ packet }) => packet)).toEqual(frames.map(hex));
      expect(tally(entries)).toEqual({ none: VERDICTS.length });
      expect(tally(exits)).toEqual(TALLY);
      expect(exits.map(({ packet_id }) => packet_id)).toEqual(
        entries.map((each) => each.packet_id),
      );
      expect(new Set(exits.map(({ packet_id }) => packet_id)).size).toBe(VERDICTS.length);
      const changed = frames.map((bytes, i) => {
        const copy = Uint8Array.from(bytes);
        if (i % 2 === 1) copy[CHANGED_AT] = 0x5a;
        return hex(copy);
      });
      expect(exits.map(({ packet }) => packet)).toEqual(changed);
      for (const record of records) {
        expect(record).toMatchObject({
          ...{ iface: pair.b.device, ifindex: pair.b.ifindex, netns: pair.b.inode, queue: 0 },
          ...{ context: 'softirq', protocol: 0x0800, link: 'ethernet' },
        });
      }
      const redirects = exits.filter(({ verdict }) => verdict === 'REDIRECT');
      expect(redirects.map(({ redirect }) => redirect)).toEqual([pair.b.device]);
      for (const end of ['entry', 'exit']) {
        expect(summaries).toContainEqual(
          expect.objectContaining({
            ...{ hook: `xdp:${device}@${end}`, seen: VERDICTS.length + OTHER },
            ...{ by: { filter: OTHER }, matched: VERDICTS.length, written: VERDICTS.length },
            ...{ lost: 0, missed: 0 },
          }),
        );
      }
      provedBy(mode === 'native' ? 'xdpNative' : 'xdpGeneric', place);
    });

    it('is traced without types where all programs go through one place, else it says why not', async () => {
      const { id } = await load(pair.b, mode, { options: ['nobtf'] });
      if (!kernel.xdpDispatcher || options.length > 0) {
        const { status, stderr } = await runXcap([...options, '--hook', `xdp:${device}`]);
        expect(status).toBe(4);
        expect(stderr).toBe(
          `xcap: hooking xdp:${device}@entry: program ${id} (choose_verdict) has no BTF\n` +
            '  compile it with -g (clang), or hook the map that it calls into, if it has one: xdpmap:PATH\n',
        );
        return;
      }
      const { records } = await capture(['--hook', `xdp:${device}@exit`], () => {
        send(VERDICTS.filter((verdict) => verdict !== 4).map((verdict) => frame(verdict)));
      });
      expect(tally(records)).toEqual({ ABORTED: 3, DROP: 2, PASS: 4, TX: 1, 9: 1 });
      provedBy('xdpWithoutBtf', place);
    });
  },
);

describe.skipIf(!kernel.fentry)('the filter of XDP hooks', () => {
  it('decides at the entry, and the exit follows it', async () => {
    await load(pair.b, 'native');
    const { records, summaries } = await capture(
      ['--hook', `xdp:${device}`, 'udp[10] == 0x11'],
      () => {
        send([frame(1, { change: 1 }), frame(1)]);
      },
    );
    expect(at(records, 'exit').map(({ packet }) => packet.slice(88, 90))).toEqual(['5a', '11']);
    expect(summaries.map(({ seen, matched }) => [seen, matched])).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  it('looks at what the program made of the packet when only the exit is traced', async () => {
    await load(pair.b, 'native');
    const { records, summaries } = await capture(
      ['--hook', `xdp:${device}@exit`, 'udp[10] == 0x5a'],
      () => {
        send([frame(1, { change: 1 }), frame(1), frame(1)]);
      },
    );
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ verdict: 'DROP' });
    expect(records[0]).not.toHaveProperty('packet_id');
    expect(summaries[0]).toMatchObject({ seen: 3, rejected: 2, matched: 1, by: { filter: 2 } });
  });
});

describe.skipIf(!kernel.fentry)('chance', () => {
  const ids = (records: readonly JsonRecord[]): readonly unknown[] =>
    records.map(({ packet_id }) => packet_id);

  it('decides at the entry what is sampled, and the exit follows it', async () => {
    await load(pair.b, 'native');
    const { records, summaries } = await capture(
      ['--hook', `xdp:${device}`, '--sample', '1/3', 'udp port 9'],
      () => {
        send(Array.from({ length: 90 }, (_, i) => frame(1, { dport: 9 + (i % 2) })));
      },
    );
    const [entry, exit] = summaries;
    expect(entry).toMatchObject({ seen: 90, rejected: 45, matched: 45 });
    expect(entry!.sampledOut).toBeGreaterThan(0);
    expect(exit).toMatchObject({ ...entry, hook: `xdp:${device}@exit` });
    expect(ids(at(records, 'exit'))).toEqual(ids(at(records, 'entry')));
  });

  it('decides there too what --max-overhead leaves out', async () => {
    await load(pair.b, 'native');
    const { records, summaries, stderr } = await capture(
      ['--hook', `xdp:${device}`, '--max-overhead', '0.0001%', 'udp port 9'],
      async () => {
        // Beside this process: what xcap prints has to be read meanwhile.
        const command = [buildSender('send-frames'), pair.a.device, '4000', '1000'];
        const sender = pair.a.spawnWithInput(...command);
        sender.stdin?.end(`${hex(frame(1))}\n`);
        await new Promise((resolve) => sender.once('close', resolve));
      },
    );
    expect(stderr).toContain(`at xdp:${device}@entry, xdp:${device}@exit\n`);
    for (const { skipped } of summaries) expect(skipped).toBeGreaterThan(0);
    // When they are detached, one is before the other.
    const [entries, exits] = [ids(at(records, 'entry')), ids(at(records, 'exit'))];
    const both = Math.min(entries.length, exits.length);
    expect(both).toBeGreaterThan(0);
    expect(exits.slice(0, both)).toEqual(entries.slice(0, both));
  });
});

describe.skipIf(!kernel.fentry)('an XDP program by itself', () => {
  it('is named by its id or by its whole name, and is told from others that run', async () => {
    const { id } = await load(pair.b, 'native', { name: LONG_NAME });
    await load(pair.a, 'native', { name: 'another' });
    for (const name of [String(id), LONG_NAME, LONG_NAME.slice(0, 15)]) {
      const { records, stderr } = await capture(['--hook', `xdp:${name}@exit`], () => {
        send([frame(1), frame(2)]);
        sendFrames(pair.b, [frame(1)], { gapUs: 500 });
      });
      expect(stderr).toContain(`from XDP program ${id} (${LONG_NAME})`);
      expect(tally(records)).toEqual({ DROP: 1, PASS: 1 });
    }
  });

  it('has to be told from another of the same name by its id', async () => {
    const { id: first } = await load(pair.b, 'native', { name: LONG_NAME });
    const { id: second } = await load(pair.a, 'native', { name: LONG_NAME });
    const { status, stderr } = await runXcap(['--hook', `xdp:${LONG_NAME}`]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `xcap: choosing hooks: xdp:${LONG_NAME}@entry: 2 programs have that name: ` +
        `${first} (${LONG_NAME}), ${second} (${LONG_NAME})\n  name one by its id: xdp:${first}\n`,
    );
  });

  it('is listed with the device that it is on', async () => {
    const { id } = await load(pair.b, 'native', { name: LONG_NAME });
    const { stdout } = await runXcap(['hooks', 'xdp:*']);
    expect(stdout).toMatch(
      new RegExp(`^xdp:${id} +fentry and fexit +XDP program ${id} \\(${LONG_NAME}\\)$`, 'm'),
    );
  });

  it.each([
    ['xdp:4000000000', /no BPF program has the id 4000000000/],
    ['xdp:no_such_thing', /no device and no XDP program of that name/],
  ])('that is not there is an error: %s', async (name, message) => {
    const { status, stderr } = await runXcap(['--hook', name]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});

describe.skipIf(!kernel.fentry)('a redirected packet', () => {
  it('is told the device that a device map leads to', async () => {
    await load(pair.b, 'native', { options: [`devmap=${pair.b.ifindex}`] });
    const { records } = await capture(['--hook', `xdp:${device}@exit`], () => {
      send([frame(4)]);
    });
    expect(records).toMatchObject([{ verdict: 'REDIRECT', redirect: pair.b.device }]);
  });

  it('is told the entry of another map', async () => {
    await load(pair.b, 'native', { options: ['cpumap'] });
    const { records } = await capture(['--hook', `xdp:${device}@exit`], () => {
      send([frame(4)]);
    });
    expect(records).toHaveLength(1);
    expect(records[0]?.redirect).toMatch(/^map:\d+\[0\]$/);
  });
});

describe.skipIf(!kernel.fentry)('a program that is replaced while it is traced', () => {
  it.each(kernel.xdpDispatcher ? [{ options: [] }, { options: ON_PROGRAM }] : [{ options: [] }])(
    'is followed by the one in its place $options',
    async ({ options }) => {
      const program = await load(pair.b, 'native');
      const tracer = await Tracer.start(['--json', ...options, '--hook', `xdp:${device}`]);
      send([frame(1)]);
      const second = await program.replace();
      // Where the program itself is hooked, devices are looked at once a second.
      if (!kernel.xdpDispatcher || options.length > 0) {
        let told = '';
        tracer.child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
        while (!told.includes(`program ${second} (choose_verdict) has taken the place of`)) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
      send([frame(2), frame(2)]);
      const { stdout } = await tracer.stop();
      const records = parseJsonLines(stdout);
      expect(tally(at(records, 'exit'))).toEqual({ DROP: 1, PASS: 2 });
      expect(at(records, 'entry')).toHaveLength(3);
    },
  );
});

describe.skipIf(!kernel.fentry)('a device without an XDP program', () => {
  const programs = (): unknown =>
    (
      JSON.parse(pair.b.exec('ip', '-json', 'link', 'show', pair.b.device)) as [{ xdp?: unknown }]
    )[0].xdp;

  it('is said to have none', async () => {
    const { status, stderr } = await runXcap(['--hook', `xdp:${device}`]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `xcap: choosing hooks: xdp:${device}@entry: ${device} has no XDP program\n` +
        '  --load-pass puts one there that passes everything, for as long as xcap runs\n',
    );
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'gets one by --load-pass, which goes with %s',
    async (signal) => {
      const tracer = await Tracer.start(['--json', '--load-pass', '--hook', `xdp:${device}@exit`]);
      expect(programs()).toBeDefined();
      send([frame(1), frame(1)]);
      // Let the records out before a signal that gives no time for it.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { stdout, stderr } = await tracer.stop(signal);
      expect(stderr).toContain(`${device}: it had no XDP program: one that passes everything is`);
      expect(programs()).toBeUndefined();
      if (signal === 'SIGINT') expect(tally(parseJsonLines(stdout))).toEqual({ PASS: 2 });
      const names = livePrograms.ofType(PROG_TYPE_TRACING).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('xcap_xdp'))).toEqual([]);
    },
  );
});

describe.skipIf(!kernel.fentry)('a packet in several buffers', () => {
  it('is captured whole, and the filter sees it so', async ({ skip }) => {
    for (const end of [pair.a, pair.b]) end.exec('ip', 'link', 'set', end.device, 'mtu', '9000');
    try {
      const loaded = await load(pair.b, 'native', { options: ['frags'] }).catch(() => undefined);
      if (loaded === undefined) return skip('this kernel has no XDP packets of several buffers');
      const payload = Uint8Array.from({ length: 8000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
      payload.set([1, 0]);
      const last = payload.at(-1);
      const { records, summaries } = await capture(
        ['--hook', `xdp:${device}`, `udp port 9 and udp[8007] = ${last}`],
        () => void sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload }),
      );
      expect(records, JSON.stringify(summaries)).toHaveLength(2);
      for (const { len, caplen, packet } of records) {
        expect([len, caplen]).toEqual([8042, 8042]);
        expect(packet.endsWith(hex(payload))).toBe(true);
      }
      expect(tally(at(records, 'exit'))).toEqual({ DROP: 1 });
    } finally {
      for (const end of [pair.a, pair.b]) end.exec('ip', 'link', 'set', end.device, 'mtu', '1500');
    }
  });
});
