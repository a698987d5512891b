import { expect, test } from 'vitest';
import { containerLabel, containerOf } from '../../../src/kernel/container.ts';

const ID = '0123456789abcdef'.repeat(4);
const SHORT = '0123456789ab';
const POD = '3a2f1b4c-0d5e-46f7-8a9b-c0d1e2f3a4b5';
const SYSTEMD_POD = POD.replaceAll('-', '_');
const STATIC_POD = 'ab'.repeat(16);

test.each<[path: string, runtime: string | undefined, id: string | undefined, pod?: string]>([
  ['/', undefined, undefined],
  ['/system.slice/ssh.service', undefined, undefined],
  ['/user.slice/user-1000.slice/session-3.scope', undefined, undefined],
  [`/system.slice/docker-${ID}.scope`, 'docker', ID],
  [`/docker/${ID}`, 'docker', ID],
  [`/docker/${ID}/system.slice/nginx.service`, 'docker', ID],
  [`/machine.slice/libpod-${ID}.scope/container`, 'podman', ID],
  [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`, 'podman', ID],
  [`/libpod_parent/libpod-${ID}`, 'podman', ID],
  [`/machine.slice/libpod-conmon-${ID}.scope`, undefined, undefined],
  [`/kubepods.slice/kubepods-pod${SYSTEMD_POD}.slice/crio-${ID}.scope`, 'cri-o', ID, POD],
  [
    `/kubepods.slice/kubepods-pod${SYSTEMD_POD}.slice/crio-conmon-${ID}.scope`,
    undefined,
    undefined,
    POD,
  ],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${SYSTEMD_POD}.slice/cri-containerd-${ID}.scope`,
    'containerd',
    ID,
    POD,
  ],
  [
    `/system.slice/containerd.service/kubepods-besteffort-pod${SYSTEMD_POD}.slice:cri-containerd:${ID}`,
    'containerd',
    ID,
    POD,
  ],
  [`/kubepods/besteffort/pod${POD}/${ID}`, undefined, ID, POD],
  [`/kubepods/pod${STATIC_POD}/${ID}`, undefined, ID, STATIC_POD],
  [`/kubepods.slice/kubepods-pod${SYSTEMD_POD}.slice`, undefined, undefined, POD],
  [`/system.slice/nerdctl-${ID}.scope`, 'containerd', ID],
  [`/default/${ID}`, undefined, ID],
  [`/docker/${ID}/docker/${'f'.repeat(64)}`, 'docker', 'f'.repeat(64)],
  ['/lxc.payload.web', 'lxc', 'web'],
  ['/lxc/web', 'lxc', 'web'],
  [String.raw`/machine.slice/machine-deb\x2d12.scope/payload`, 'nspawn', 'deb-12'],
  [String.raw`/machine.slice/machine-qemu\x2d1\x2dvm.scope`, undefined, undefined],
])('containerOf() reads %s', (path, runtime, id, pod) => {
  expect(containerOf(path)).toEqual({ runtime, id, pod });
});

test('containerLabel() is what a person writes: the pod, else the start of the id', () => {
  const label = (path: string): string | undefined => containerLabel(containerOf(path));
  expect(label('/')).toBeUndefined();
  expect(label(`/docker/${ID}`)).toBe(`docker:${SHORT}`);
  expect(label(`/default/${ID}`)).toBe(`container:${SHORT}`);
  expect(label('/lxc/web')).toBe('lxc:web');
  expect(label(`/kubepods/pod${POD}/${ID}`)).toBe(`pod:${POD}`);
});
