/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The BPF helpers that the templates call, by their numbers in enum bpf_func_id
 * (include/uapi/linux/bpf.h), and how a program names a map.
 */
#ifndef XCAP_HELPERS_H
#define XCAP_HELPERS_H

#include <linux/types.h>
#include "config.gen.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Loads a 64-bit immediate with a pseudo source register; libbcc passes the numbers through. */
u64 bpf_pseudo_fd(u64 kind, u64 number) asm("llvm.bpf.pseudo");

#define BPF_PSEUDO_MAP_FD 1
#define BPF_PSEUDO_BTF_ID 3
#define BPF_PSEUDO_FUNC	  4

/* MAP(i): map number i of the object; src/compile/object.ts knows the placeholder. */
#define MAP(index) ((void *)bpf_pseudo_fd(BPF_PSEUDO_MAP_FD, XCAP_MAP_PLACEHOLDER + (index)))

/* The number of the hook that the program is loaded for, put in when it is. */
#define XCAP_OWN_HOOK ((u32)bpf_pseudo_fd(0, XCAP_HOOK_PLACEHOLDER))

/*
 * XCAP_VALUE(i): number i of the run, 64 bits that clang does not know, put in when the program is
 * loaded: runs, boots and hosts that differ in nothing else share what was compiled.
 */
#define XCAP_VALUE(index) bpf_pseudo_fd(0, XCAP_VALUE_PLACEHOLDER + (index))

/* What the program has to return, put in when it is loaded. */
#define XCAP_OWN_RETURN ((u32)bpf_pseudo_fd(0, XCAP_RETURN_PLACEHOLDER))

/*
 * The function that the program has the kernel call: see callbackOf() of src/abi/maps.ts. Its two
 * arguments are one, in the same registers: libbcc takes the second of two for a kprobe's.
 */
#define XCAP_TWO	   unsigned __int128
#define XCAP_FIRST(given)  ((u64)(given))
#define XCAP_SECOND(given) ((void *)(u64)((given) >> 64))
#define XCAP_CALLBACK	   ((void *)bpf_pseudo_fd(BPF_PSEUDO_FUNC, XCAP_CALLBACK_PLACEHOLDER))

static void *(*const xcap_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const xcap_map_update_elem)(void *map, const void *key, const void *value,
					  u64 flags) = (void *)2;
static long (*const xcap_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*const xcap_ktime_get_ns)(void) = (void *)5;
static u32 (*const xcap_get_prandom_u32)(void) = (void *)7;
static u32 (*const xcap_get_smp_processor_id)(void) = (void *)8;
static long (*const xcap_get_stackid)(void *ctx, void *map, u64 flags) = (void *)27;
static u64 (*const xcap_get_current_task)(void) = (void *)35;
#if !XCAP_TASK_BY_PROBE /* else see task.h */
static u64 (*const xcap_get_current_pid_tgid)(void) = (void *)14;
static u64 (*const xcap_get_current_uid_gid)(void) = (void *)15;
static long (*const xcap_get_current_comm)(void *buf, u32 size) = (void *)16;
#endif
static long (*const xcap_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;
static long (*const xcap_probe_read_kernel_str)(void *dst, u32 size, const void *src) = (void *)115;
static long (*const xcap_ringbuf_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
static void *(*const xcap_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const xcap_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void *(*const xcap_this_cpu_ptr)(const void *percpu) = (void *)154;
static void *(*const xcap_get_current_task_btf)(void) = (void *)158;
static u64 (*const xcap_get_attach_cookie)(void *ctx) = (void *)174;
static long (*const xcap_xdp_load_bytes)(const void *ctx, u32 offset, void *to,
					 u32 length) = (void *)189;
static long (*const xcap_loop)(u32 times, void *callback, void *context, u64 flags) = (void *)181;
static long (*const xcap_get_func_arg)(void *ctx, u32 number, u64 *value) = (void *)183;
static long (*const xcap_get_func_ret)(void *ctx, u64 *value) = (void *)184;

/* The filter's way to packet memory. */
#define XCAP_FETCH(dst, size, src) xcap_probe_read_kernel(dst, size, src)

/* Hides a value's origin from clang, which else merges a bound away that the verifier must see. */
#define XCAP_HIDE(value) asm volatile("" : "+r"(value))

/*
 * Says that the way which it stands in is seldom gone: clang puts its code behind the rest, so that
 * the usual way lies together, and spills registers there. For that it has to be the `else` of an
 * `if` that does not fall through: the BPF backend keeps a block where it is that a conditional
 * branch goes on to (BPFInstrInfo::analyzeBranch()). __builtin_expect() is lost, as libbcc does not
 * run the pass that reads it, and so it is a call of something cold: a load that nobody wants.
 */
u64 bpf_pseudo_cold(u64 kind, u64 number) asm("llvm.bpf.pseudo") __attribute__((cold));
#define XCAP_SELDOM() ((void)bpf_pseudo_cold(0, 0))

/*
 * A number that the verifier is to know on this branch only, until the end. Else clang makes it
 * where it is used, by asking for the branch anew, and to the verifier that may turn out the other
 * way.
 */
#define XCAP_BRANCH_VALUE(to, number) asm volatile("%0 = %1" : "=r"(to) : "i"(number))

#if XCAP_CASTS
/*
 * Any address as the struct that p points to, for plain loads from it: bpf_rdonly_cast(), which the
 * verifier makes a move (commit a35b9af4ec2c). XCAP_BTF_ID() is of kernel.gen.h.
 */
#define XCAP_CAST(p)                                                                               \
	((__typeof__(p))((void *(*)(const void *, u32))XCAP_RDONLY_CAST)((p), XCAP_BTF_ID(p)))
#endif

/*
 * READ(p, member): kernel memory through one accessor. BTF-typed programs load plainly (1-2 ns,
 * faults are handled by the kernel and give 0); others call the probe read helper, which zeroes
 * what it cannot read. XCAP_READ_16(): 16 bytes of an array.
 */
#define XCAP_LOAD_16(to, from)                                                                     \
	({                                                                                         \
		const u64 *xcap_from = (const u64 *)(from);                                        \
		((u64 *)(to))[0] = xcap_from[0];                                                   \
		((u64 *)(to))[1] = xcap_from[1];                                                   \
	})

/*
 * An argument that the verifier trusts, as one that it does not: for each pointer that is loaded
 * from a trusted one it looks through all names of the BTF for marks of the member
 * (btf_nested_type_is_trusted()), which took most of a program's verification.
 */
#if XCAP_TYPED && XCAP_CASTS
#define XCAP_GIVEN(p) XCAP_CAST(p)
#else
#define XCAP_GIVEN(p) (p)
#endif

/* By the helper: 0 where it cannot be read. */
#define XCAP_PROBED(p, member)                                                                     \
	({                                                                                         \
		__typeof__((p)->member) xcap_probed = 0;                                           \
		xcap_probe_read_kernel(&xcap_probed, sizeof(xcap_probed), &(p)->member);           \
		xcap_probed;                                                                       \
	})

#if XCAP_TYPED
#define READ(p, member)		    ((p)->member)
#define XCAP_READ_16(to, p, member) XCAP_LOAD_16(to, &(p)->member)
#elif XCAP_CASTS
#define READ(p, member)		    (XCAP_CAST(p)->member)
#define XCAP_READ_16(to, p, member) XCAP_LOAD_16(to, &XCAP_CAST(p)->member)
#else
#define XCAP_READ_16(to, p, member) xcap_probe_read_kernel(to, 16, &(p)->member)
#define READ(p, member)		    XCAP_PROBED(p, member)
#endif

/* Reads a member whatever the pointer's origin: a typed load would need the verifier to know it. */
#if XCAP_CASTS
#define PROBE(p, member)	     (XCAP_CAST(p)->member)
#define XCAP_PROBE_16(to, p, member) XCAP_LOAD_16(to, &XCAP_CAST(p)->member)
#else
#define XCAP_PROBE_16(to, p, member) xcap_probe_read_kernel(to, 16, &(p)->member)
#define PROBE(p, member)	     XCAP_PROBED(p, member)
#endif

/* The same address as a number: the verifier would check every use of a map pointer anew. */
static __always_inline const void *xcap_plain_address(const void *pointer)
{
	u64 kept = (u64)pointer, plain = 0;

	xcap_probe_read_kernel(&plain, sizeof(plain), &kept);
	return (const void *)plain;
}

#endif
