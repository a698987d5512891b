/** What the path of a cgroup tells about the container that it is of. */
export interface Container {
  /** `docker`, `containerd`, `cri-o`, `podman`, `lxc`, `nspawn`; undefined where the path does not tell. */
  readonly runtime: string | undefined;
  /** As the runtime names it: 64 hexadecimal digits, or the name of an LXC or nspawn container. */
  readonly id: string | undefined;
  /** Uid of the Kubernetes pod, with its dashes where it has some. */
  readonly pod: string | undefined;
}

const NOTHING: Container = { runtime: undefined, id: undefined, pod: undefined };

/** By the first part of a systemd scope, `docker-ID.scope`, or of containerd's `SLICE:cri-containerd:ID`. */
const RUNTIMES: Readonly<Record<string, string>> = {
  docker: 'docker',
  'cri-containerd': 'containerd',
  containerd: 'containerd',
  nerdctl: 'containerd',
  crio: 'cri-o',
  libpod: 'podman',
};

const ID = '[0-9a-f]{64}';
const SCOPE = new RegExp(`^(?:.*[:])?([a-z][a-z-]*?)[-:](${ID})(?:\\.scope)?$`);
const BARE_ID = new RegExp(`^${ID}$`);
/** systemd's slices have `_` for `-`; static pods have a hash for a uid. */
const POD =
  /^(?:kubepods.*-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?::.*)?$/;
const LXC = /^lxc\.payload\.(.+)$/;
const MACHINE = /^machine-(.+)\.scope$/;

/**
 * Reads the path of a cgroup as Docker, containerd, CRI-O and Podman lay them out with either of their cgroup drivers, as
 * Kubernetes nests them, and as LXC and systemd-nspawn do. The innermost container counts.
 */
export function containerOf(path: string): Container {
  let { runtime, id, pod } = NOTHING;
  const words = path.split('/');
  words.forEach((word, i) => {
    const inPod = POD.exec(word)?.[1];
    if (inPod !== undefined) pod = inPod.replaceAll('_', '-');
    const scope = SCOPE.exec(word);
    const known = scope === null ? undefined : RUNTIMES[scope[1] ?? ''];
    if (known !== undefined) {
      runtime = known;
      id = scope?.[2];
    } else if (BARE_ID.test(word)) {
      // cgroupfs: /docker/ID, /libpod_parent/libpod-ID, /kubepods/.../podUID/ID, /NAMESPACE/ID of containerd.
      runtime = words[i - 1] === 'docker' ? 'docker' : undefined;
      id = word;
    }
    const lxc = LXC.exec(word)?.[1] ?? (words[i - 1] === 'lxc' ? word : undefined);
    const machine = MACHINE.exec(word)?.[1];
    if (lxc !== undefined && word !== '') {
      runtime = 'lxc';
      id = lxc;
    } else if (machine !== undefined && !machine.startsWith('qemu')) {
      runtime = 'nspawn';
      // systemd-escape(1).
      id = machine.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      );
    }
  });
  return { runtime, id, pod };
}

/** How long an id is written where a person reads it: as Docker and crictl do. */
const SHORT = 12;

/** A container, or the pod of one, in a few characters: `docker:0123456789ab`, `pod:UID`. */
export function containerLabel({ runtime, id, pod }: Container): string | undefined {
  if (pod !== undefined) return `pod:${pod}`;
  if (id === undefined) return undefined;
  return `${runtime ?? 'container'}:${BARE_ID.test(id) ? id.slice(0, SHORT) : id}`;
}
