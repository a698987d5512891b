/** Expressions that cover every primitive of pcap-filter(7) that Ethernet and raw IP have. */
export const EXPRESSIONS: readonly string[] = [
  // Protocols
  ...[
    'ip',
    'ip6',
    'arp',
    'rarp',
    'tcp',
    'udp',
    'icmp',
    'icmp6',
    'igmp',
    'igrp',
    'pim',
    'vrrp',
    'carp',
  ],
  ...['sctp', 'ah', 'esp', 'atalk', 'aarp', 'decnet', 'iso', 'clnp', 'esis', 'isis', 'stp', 'ipx'],
  ...[
    'netbeui',
    'lat',
    'moprc',
    'mopdl',
    'sca',
    'llc',
    'llc i',
    'llc s',
    'llc u',
    'llc rr',
    'llc ui',
  ],
  ...['l1', 'l2', 'iih', 'lsp', 'snp', 'csnp', 'psnp'],
  // Hosts and nets
  ...['host 10.9.0.2', 'src host 10.9.0.2', 'dst host 10.9.0.2', 'src or dst host 10.9.0.2'],
  ...['src and dst host 10.9.0.2', 'src 10.9.0.2', 'host 10.9.0.1 or 10.9.0.2', 'ip host 10.9.0.1'],
  ...[
    'arp host 10.9.0.1',
    'rarp host 10.9.0.1',
    'net 10.9',
    'net 10.0.0.0/8',
    'src net 192.168.0.0/16',
  ],
  ...[
    'dst net 10.9.0.0 mask 255.255.255.0',
    'net 0.0.0.0/0',
    'ip6 host 2001:db8::1',
    'host 2001:db8::2',
  ],
  ...['src host 2001:db8::1', 'ip6 net 2001:db8::/32', 'net 2001:db8::/127', 'dst net fe80::/10'],
  // Link layer
  ...['ether host 02:00:00:00:00:01', 'ether src 02:00:00:00:00:01', 'ether dst 02:00:00:00:00:02'],
  ...[
    'ether broadcast',
    'ether multicast',
    'broadcast',
    'multicast',
    'ip broadcast',
    'ip multicast',
  ],
  ...[
    'ip6 multicast',
    'ether proto 0x88cc',
    'ether proto 0x1234',
    'ether proto \\ip',
    'ether proto \\arp',
  ],
  ...['ether proto 3', 'ether proto 0xfe'],
  // Ports
  ...[
    'port 80',
    'src port 80',
    'dst port 80',
    'tcp port 443',
    'udp port 53',
    'sctp port 9',
    'port http',
  ],
  ...[
    'portrange 1000-2000',
    'tcp src portrange 1-1023',
    'udp dst portrange 50-60',
    'src or dst port 443',
  ],
  ...['src and dst port 53', 'tcp port 80 or 443', 'port 0x50', 'tcp dst port 22 and src port 22'],
  ...['portrange 2000-1000', 'portrange 80-80', 'ip6 and tcp port 443', 'ip and udp port 53'],
  // IP protocols
  ...[
    'ip proto 47',
    'ip proto \\tcp',
    'ip6 proto 58',
    'ip6 proto \\udp',
    'proto 17',
    'proto \\icmp',
  ],
  ...['ip6 proto 0', 'ip6 proto 44', 'tcp and ip6 proto 6'],
  // Length
  ...[
    'greater 100',
    'less 64',
    'len > 100',
    'len = 60',
    'len & 1 = 1',
    'length >= 300',
    'len - 14 > 40',
  ],
  // Bytes
  ...[
    'ether[0] & 1 = 0',
    'ether[12:2] = 0x0800',
    'ether[6:4] = 0x02000000',
    'ether[1:4] = 0',
    'ip[0] = 0x45',
  ],
  ...[
    'ip[0] & 0xf != 5',
    'ip[6:2] & 0x1fff != 0',
    'ip[6:2] & 0x4000 != 0',
    'ip[8] < 5',
    'ip[2:2] > 576',
  ],
  ...[
    'ip[12:4] = 0x0a090001',
    'ip[1:4] != 0',
    'ip6[6] = 58',
    'ip6[0:4] & 0xfffff = 0',
    'ip6[40] = 128',
  ],
  ...['tcp[13] == 2', 'tcp[tcpflags] == tcp-syn', 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0'],
  ...['tcp[tcpflags] & tcp-rst != 0', 'tcp[0:2] = 80', 'tcp[1:4] > 0', 'tcp[4:4] = 0x01020304'],
  ...[
    'tcp[12] >> 4 > 5',
    'tcp[(tcp[12]>>2)&0x3c:4] = 0x47455420',
    'tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420',
  ],
  ...['udp[4:2] > 20', 'udp[8:4] = 0x01020304', 'udp[8:2] = 0x0102 and udp port 53', 'icmp[0] = 8'],
  ...[
    'icmp[icmptype] == icmp-echo',
    'icmp[icmptype] != icmp-echoreply',
    'icmp[icmpcode] = 1',
    'icmp6[0] = 128',
  ],
  ...[
    'icmp6[icmp6type] == icmp6-echo',
    'arp[6:2] = 1',
    'arp[14:4] = 0x0a090001',
    'sctp[0:2] = 9',
    'igmp[0] = 0x16',
  ],
  // Arithmetic
  ...['ip[2:2] - ip[0] > 10', 'ip[2:2] + ip[8] = 116', 'ip[2:2] * 2 > 200', 'ip[2:2] / ip[8] > 1'],
  ...[
    'ip[2:2] % ip[8] = 20',
    'ip[2:2] / 7 = 8',
    'ip[2:2] % 7 = 0',
    'ip[8] ^ 0x40 = 0',
    'ip[8] | 1 = 65',
  ],
  ...['-ip[8] + 64 = 0', 'ip[9] / udp[6:2] > 0'],
  ...['ip[8] << 24 > 0x3fffffff', 'ip[0] & 0xf * 4 = 4', 'len / ip[8] = 1', 'len % 4 = 2'],
  // Offsets that are computed
  ...['ip[ip[0] & 0xf:2] = 0', 'ip[ip[9]] = 0', 'ip[ip[2:2]] = 0', 'ether[ether[14] & 0xf] = 0'],
  ...['tcp[ip[0] & 0xf:2] > 3', 'ip[ip[8] * 4:4] > 0'],
  ...['ether[ip[2:2]:4] = 0', 'tcp[tcp[12] >> 2 & 0x3c] != 0', 'ip[ip[ip[0] & 0xf]] > 0'],
  // Far offsets
  ...[
    'ether[200:2] = 0',
    'ether[254:2] = 0',
    'ether[255:2] = 0',
    'ether[300:4] = 0',
    'udp[200:4] = 0xc0c1c2c3',
    'ip[500] = 0xd8',
  ],
  // VLAN, MPLS, PPPoE, Geneve
  ...[
    'vlan',
    'vlan 5',
    'vlan and ip',
    'vlan and udp',
    'vlan 5 and tcp port 80',
    'vlan and vlan and icmp',
  ],
  ...[
    'vlan 5 and vlan 6',
    'vlan and host 10.9.0.2',
    'vlan and ip6',
    'tcp or (vlan and tcp)',
    'not vlan',
  ],
  ...['vlan and ether host 02:00:00:00:00:01', 'vlan and tcp[13] & 2 != 0'],
  ...[
    'mpls',
    'mpls 100',
    'mpls and ip',
    'mpls 100 and mpls 200 and host 10.9.0.2',
    'mpls and ip6',
    'mpls and udp port 53',
  ],
  ...['pppoed', 'pppoes', 'pppoes 7', 'pppoes and ip', 'pppoes and ip6', 'pppoes and tcp port 80'],
  ...[
    'geneve',
    'geneve 5',
    'geneve and icmp',
    'geneve and udp port 53',
    'geneve 5 and tcp[13] = 2',
  ],
  // Connectives
  ...['not icmp', '! icmp', 'icmp or arp', 'icmp || arp', 'ip && udp', 'not (tcp port 22)'],
  ...[
    'tcp port 443 and host 10.9.0.2',
    '(icmp or icmp6) and greater 50',
    'not ip and not ip6',
    'not not tcp',
  ],
  ...[
    'host 10.9.0.1 and (port 80 or port 443)',
    'ip or ip6 or arp',
    'tcp and not port 22 and not arp',
  ],
  ...['(tcp[13] & 2 != 0) and (tcp[13] & 16 = 0)', 'net 10.9.0.0/24 and not host 10.9.0.1'],
  ...[
    'icmp and host 10.9.0.2',
    'ether host 02:00:00:00:00:01 or icmp',
    'src port 80 or (udp and dst port 53)',
  ],
  Array.from({ length: 60 }, (_, i) => `host 10.9.${i >> 4}.${i}`).join(' or '),
  Array.from({ length: 20 }, (_, i) => `tcp port ${440 + i}`).join(' or '),
];

/** libpcap makes loops of these, which the kernel's own cBPF refuses. */
export const LOOPING: readonly string[] = [
  ...['ip6 protochain 6', 'ip6 protochain 58', 'ip protochain 17', 'protochain 6', 'protochain 17'],
  ...['ip6 protochain 17 or tcp port 80', 'not ip6 protochain 6', 'ip6 protochain 60'],
  ...['ip6 protochain 6 and ip6 protochain 17', 'ip6 protochain 17 and not protochain 6'],
  ...['vlan and ip6 protochain 58', 'ip protochain 51', 'ip6 protochain 59', 'ip6 protochain 51'],
];

/**
 * Where the kernel and libpcap's own interpreter part: shifts by 32 and more (masked / zero), and
 * an index that is negative (wraps / rejects). The kernel's way is ours.
 */
export const KERNEL_ONLY: readonly string[] = [
  ...['1 << ip[9] = 64', 'ip[2:2] >> ip[9] = 1', '1 << ip[8] = 1', '1 << ip[8] = 0'],
  ...[
    'udp[len - 50] = 4',
    'udp[udp[4:2] - 1] = 0',
    'ip[ip[2:2] - 1] = 0',
    'ip[ip[8] - 65] > 0',
    'tcp[ip[8] - 66] > 0',
  ],
];
