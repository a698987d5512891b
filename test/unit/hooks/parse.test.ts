import { describe, expect, it } from 'vitest';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { hookIndex } from '../../../src/hooks/resolve.ts';

describe('parseHooks()', () => {
  it('takes each hook once, by name or alias, in the order given', () => {
    const ids = parseHooks(['rx', 'kfree_skb_reason', 'drop', 'tx', 'consume']).map(({ id }) => id);
    expect(ids).toEqual(['rx', 'drop', 'tx', 'consume']);
  });

  it('takes a tracepoint apart, and keeps its name as it was typed', () => {
    expect(parseHooks(['tracepoint:net:netif_rx'])).toEqual([
      {
        kind: 'tracepoint',
        id: 'tracepoint:net:netif_rx',
        category: 'net',
        name: 'netif_rx',
      },
    ]);
  });

  it.each([
    ['icmp_rcv', { name: 'icmp_rcv', backend: undefined, argument: undefined }],
    ['kprobe:ip_rcv.isra.0@2', { name: 'ip_rcv.isra.0', backend: 'kprobe', argument: 1 }],
    ['fentry:tcp_v4_rcv', { name: 'tcp_v4_rcv', backend: 'fentry', argument: undefined }],
    ['fexit:ip_rcv', { name: 'ip_rcv', backend: 'fentry', argument: undefined, returns: true }],
    ['kretprobe:f@2', { name: 'f', backend: 'kprobe', argument: 1, returns: true }],
  ])('takes a function apart: %s', (name, expected) => {
    expect(parseHooks([name])).toEqual([
      { kind: 'function', id: name, returns: false, ...expected },
    ]);
  });

  it.each(['fexit:tcp_*', 'kretprobe:all', 'fexit:?'])(
    'takes no pattern of returns: %s',
    (name) => {
      expect(() => parseHooks([name])).toThrow(
        `choosing hooks: ${name}: return values are of functions by name`,
      );
    },
  );

  it.each([
    ['all', { pattern: '*', backend: undefined, argument: undefined }],
    ['kprobe:tcp_*@2', { pattern: 'tcp_*', backend: 'kprobe', argument: 1 }],
    ['?kb_*', { pattern: '?kb_*', backend: undefined, argument: undefined }],
  ])('takes a pattern apart: %s', (name, expected) => {
    expect(parseHooks([name])).toEqual([{ kind: 'functions', id: name, ...expected }]);
  });

  it('takes a profile for the hooks that it stands for', () => {
    const [spec] = parseHooks(['profile:forward']);
    expect(spec).toMatchObject({ kind: 'profile', id: 'profile:forward' });
    const members = spec?.kind === 'profile' ? spec.members.map(({ id }) => id) : [];
    expect(members).toEqual(expect.arrayContaining(['rx', 'ip_forward', 'tx', 'drop']));
    expect(() => parseHooks(['profile:sideways'])).toThrow(/no such profile$/);
  });

  it.each(['a b', '1x', 'tcp-rcv', 'f@x', 'f@-1', 'kprobe:'])('refuses %s', (name) => {
    expect(() => parseHooks([name])).toThrow(`choosing hooks: ${name}: no name of a hook`);
  });

  it.each(['tracepoint:', 'tracepoint:net', 'tracepoint:net:', 'tracepoint:a:b:c'])(
    'says how a tracepoint is named for %s',
    (name) => {
      expect(() => parseHooks([name])).toThrow(`choosing hooks: ${name}: no name of a tracepoint`);
    },
  );

  it.each(['mbuf:1:f', 'uprobe:/bin/x:f@1'])('says not yet for %s', (name) => {
    expect(() => parseHooks([name])).toThrow(`choosing hooks: ${name}: not yet`);
  });
});

describe('an XDP hook', () => {
  it('is one at each end of a run unless it names one', () => {
    expect(parseHooks(['xdp:eth0', 'xdp:12@exit', 'xdp:eth1@blue@entry'])).toEqual([
      { kind: 'xdp', id: 'xdp:eth0@entry', of: 'eth0', end: 'entry' },
      { kind: 'xdp', id: 'xdp:eth0@exit', of: 'eth0', end: 'exit' },
      { kind: 'xdp', id: 'xdp:12@exit', of: '12', end: 'exit' },
      { kind: 'xdp', id: 'xdp:eth1@blue@entry', of: 'eth1@blue', end: 'entry' },
    ]);
  });

  it.each(['xdp:', 'xdp:@exit', 'xdp:eth 0'])('cannot be %j', (name) => {
    expect(() => parseHooks([name])).toThrow(/no device, and no program/);
  });
});

describe('a hook at the runs of a program', () => {
  it.each(['bpf:12', 'bpf:choose_verdict'])('is two without an end: %s', (name) => {
    expect(parseHooks([name])).toEqual(
      ['entry', 'exit'].map((end) => ({
        ...{ kind: 'bpf', id: `${name}@${end}`, of: name.slice(4), end },
      })),
    );
  });

  it.each(['bpf:', 'bpf:@exit', 'bpf:a b'])('refuses %s', (name) => {
    expect(() => parseHooks([name])).toThrow(/choosing hooks: bpf:.*: no program/);
  });
});

describe('hookIndex()', () => {
  const hooks = parseHooks(['rx', 'drop']).map(({ id }) => id);

  it('is the place in the run, by name or alias', () => {
    expect(hookIndex(hooks, 'drop')).toBe(1);
    expect(hookIndex(hooks, 'kfree_skb_reason')).toBe(1);
  });

  it.each([
    ['tx', 'choosing hooks: tx: not traced in this run'],
    ['dorp', 'choosing hooks: dorp: not traced in this run'],
  ])('refuses %s', (name, message) => {
    expect(() => hookIndex(hooks, name)).toThrow(message);
  });
});
